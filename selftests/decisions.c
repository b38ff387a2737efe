// SPDX-License-Identifier: GPL-2.0
/*
 * With the same knobs, errpath fails the same calls as the kernel's own fail_function, on
 * kernels that have it. The stack depth is not compared, because the kernel also counts
 * the frames of its handler.
 */
#include "lib/harness.h"

#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/symbols.h"
#include "lib/target.h"

#define POINT "target"
#define FUNCTION "errpath_target"
#define CALLER "errpath_target_caller"
#define NOT_CALLED "panic"
#define FAIL_FUNCTION "/sys/kernel/debug/fail_function/"

#define CALLS 24
#define MANY 1000

/* Set a knob of the failure point, or of fail_function. */
static int set_ours(const char *knob, const char *value)
{
	return knob_set(POINT, knob, "%s", value);
}

static int set_kernels(const char *knob, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), FAIL_FUNCTION "%s", knob);
	return file_write(path, value);
}

/*
 * struct decider - what decides which calls fail
 * @set: sets a knob; returns 0 or -errno
 * @task_file: the file that selects this task, or NULL: the knob tasks does
 * @yes: the text that selects this task
 * @no: the text that selects no task
 */
struct decider {
	int (*set)(const char *knob, const char *value);
	const char *task_file;
	const char *yes;
	const char *no;
};

static int decider_select_task(const struct decider *d, bool select)
{
	if (d->task_file)
		return file_write(d->task_file, select ? d->yes : d->no);
	return d->set("tasks", select ? d->yes : d->no);
}

static const struct decider ours = {
	.set = set_ours, .yes = "self", .no = "",
};

static const struct decider kernels = {
	.set = set_kernels, .task_file = "/proc/self/make-it-fail", .yes = "1", .no = "0",
};

/* A knob that is NULL is probability 100, interval 1, times -1 or space 0. */
static const struct setting {
	const char *name;
	const char *probability, *interval, *times, *space;
	bool stranger;			/* the task is not selected */
	bool unfiltered;		/* task-filter is N */
	enum { ANY, REQUIRED, ELSEWHERE, REJECTED } stack;
	int failures;			/* in CALLS calls */
} cases[] = {
	{ .name = "never", .probability = "0" },
	{ .name = "always", .failures = CALLS },
	{ .name = "times_0", .times = "0" },
	{ .name = "times_5", .times = "5", .failures = 5 },
	{ .name = "interval_3", .interval = "3", .failures = CALLS / 3 },
	{ .name = "interval_5_times_2", .interval = "5", .times = "2", .failures = 2 },
	{ .name = "space_7", .space = "7", .failures = CALLS - 6 },
	{ .name = "space_4_interval_2", .space = "4", .interval = "2", .failures = 10 },
	{ .name = "all_three", .space = "9", .interval = "4", .times = "1", .failures = 1 },
	{ .name = "space_30", .space = "30" },
	{ .name = "stranger", .stranger = true },
	{ .name = "stranger_unfiltered", .stranger = true, .unfiltered = true, .failures = CALLS },
	{ .name = "required", .stack = REQUIRED, .failures = CALLS },
	{ .name = "required_interval_7", .stack = REQUIRED, .interval = "7", .failures = 3 },
	{ .name = "elsewhere", .stack = ELSEWHERE },
	{ .name = "rejected", .stack = REJECTED },
};

/* The addresses of the caller, and of a function that is not on the stack. */
static struct range {
	char start[32], end[32];
} caller, elsewhere;

FIXTURE(decisions)
{
	int guard;
};

static int range_find(const char *symbol, struct range *range)
{
	unsigned long start, end;
	int err = symbol_find_text(symbol, &start, &end);

	snprintf(range->start, sizeof(range->start), "0x%lx", start);
	snprintf(range->end, sizeof(range->end), "0x%lx", end);
	return err;
}

FIXTURE_SETUP(decisions)
{
	if (access(FAIL_FUNCTION, F_OK))
		SKIP(return, "this kernel has no CONFIG_FAIL_FUNCTION");
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, range_find(CALLER, &caller));
	ASSERT_EQ(0, range_find(NOT_CALLED, &elsewhere));
}

FIXTURE_TEARDOWN_PARENT(decisions)
{
	set_kernels("inject", "");
	set_kernels("probability", "0");
}

/* Makes a call. Returns 1 if it failed, 0 if not, or -errno. */
static int call_once(void)
{
	struct target_calls calls;

	return target_call(1, "traced", "task", &calls) ?: (int)calls.failed;
}

/*
 * The kernel keeps its count towards interval when the knobs change. Makes calls until one
 * fails, so that the count starts again. Returns 0 or -errno.
 */
static int decider_align(const struct decider *d)
{
	int err = d->set("times", "-1") ?: d->set("space", "0");

	for (int i = 0; i < CALLS && !err; i++) {
		if (call_once() == 1)
			return 0;
	}
	return err ?: -EPROTO;
}

struct knob_value {
	const char *knob;
	const char *value;
};

/* Sets knobs, up to one that is NULL. Returns 0 or -errno. */
static int decider_set_all(const struct decider *d, const struct knob_value *values)
{
	int err = 0;

	for (; values->knob && !err; values++)
		err = d->set(values->knob, values->value);
	return err;
}

/* Requires or rejects addresses on the stack of a call. Returns 0 or -errno. */
static int decider_filter_stack(const struct decider *d, int stack)
{
	const struct range *range = stack == ELSEWHERE ? &elsewhere : &caller;
	const bool require = stack == REQUIRED || stack == ELSEWHERE;
	const bool reject = stack == REJECTED;
	const struct knob_value values[] = {
		{ .knob = "require-start", .value = require ? range->start : "0" },
		{ .knob = "require-end", .value = require ? range->end : "0xffffffffffffffff" },
		{ .knob = "reject-start", .value = reject ? range->start : "0" },
		{ .knob = "reject-end", .value = reject ? range->end : "0" },
		{}
	};

	return decider_set_all(d, values);
}

/* Starts from the same state for each setting. Returns 0 or -errno. */
static int decider_reset(const struct decider *d, const struct setting *k)
{
	const struct knob_value values[] = {
		{ .knob = "verbose", .value = "0" },
		{ .knob = "task-filter", .value = "Y" },
		{ .knob = "interval", .value = k->interval ?: "1" },
		{ .knob = "stacktrace-depth", .value = "32" },
		{ .knob = "probability", .value = "100" },
		{}
	};
	int err = decider_select_task(d, true) ?: decider_set_all(d, values);

	if (!err)
		err = decider_filter_stack(d, ANY);
	return err ?: decider_align(d);
}

static int decider_apply(const struct decider *d, const struct setting *k)
{
	const struct knob_value values[] = {
		{ .knob = "task-filter", .value = k->unfiltered ? "N" : "Y" },
		{ .knob = "space", .value = k->space ?: "0" },
		{ .knob = "times", .value = k->times ?: "-1" },
		{ .knob = "probability", .value = k->probability ?: "100" },
		{}
	};
	int err = decider_select_task(d, !k->stranger) ?: decider_filter_stack(d, k->stack);

	return err ?: decider_set_all(d, values);
}

/* Makes CALLS calls. @result gets a letter for each: F for a failed one. Returns 0 or -errno. */
static int decide(const struct decider *d, const struct setting *k, char *result)
{
	int err = decider_reset(d, k) ?: decider_apply(d, k);

	for (int i = 0; i < CALLS; i++)
		result[i] = call_once() == 1 ? 'F' : '-';
	result[CALLS] = '\0';
	d->set("probability", "0");
	return err;
}

static int count_failed(const char *result)
{
	int n = 0;

	for (; *result; result++)
		n += *result == 'F';
	return n;
}

TEST_F(decisions, are_the_kernels)
{
	char by_us[CALLS + 1], by_kernel[CALLS + 1];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* Let errpath decide, then the kernel. */
		ASSERT_EQ(0, decide(&ours, &cases[i], by_us));
		ASSERT_EQ(0, set_kernels("inject", FUNCTION));
		ASSERT_EQ(0, decide(&kernels, &cases[i], by_kernel));
		ASSERT_EQ(0, set_kernels("inject", ""));

		/* Both must have failed the same calls. */
		EXPECT_STREQ(by_kernel, by_us) {
			TH_LOG("%s", cases[i].name);
		}
		EXPECT_EQ(cases[i].failures, count_failed(by_us)) {
			TH_LOG("%s: %s", cases[i].name, by_us);
		}
	}
}

/* Returns true if a quarter of the calls fail, within six standard deviations. */
static bool is_quarter(const struct decider *d, long *failed)
{
	const long mean = MANY / 4, deviation = 14;
	struct target_calls calls = { 0 };

	d->set("verbose", "0");
	d->set("times", "-1");
	decider_select_task(d, true);
	d->set("probability", "25");
	target_call(MANY, "traced", "task", &calls);
	d->set("probability", "0");
	*failed = calls.failed;
	return labs(*failed - mean) <= 6 * deviation;
}

TEST_F(decisions, probability_is_the_kernels)
{
	long failed;

	EXPECT_TRUE(is_quarter(&ours, &failed)) {
		TH_LOG("ours: %ld of %d", failed, MANY);
	}
	ASSERT_EQ(0, set_kernels("inject", FUNCTION));
	set_kernels("interval", "1");
	set_kernels("space", "0");
	set_kernels("require-start", "0");
	set_kernels("require-end", "0xffffffffffffffff");
	set_kernels("reject-end", "0");
	EXPECT_TRUE(is_quarter(&kernels, &failed)) {
		TH_LOG("the kernel's: %ld of %d", failed, MANY);
	}
	EXPECT_EQ(0, set_kernels("inject", ""));
}

TEST_HARNESS_MAIN
