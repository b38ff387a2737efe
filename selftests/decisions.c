// SPDX-License-Identifier: GPL-2.0
/*
 * The same knobs decide the same, call by call, as those of the kernel's own
 * fail_function, where a kernel has it. Stack depth is not compared: the kernel's
 * counts the frames of its own handler, too.
 */
#include <ctype.h>

#include "lib/harness.h"

#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/target.h"

#define POINT "target"
#define FUNCTION "errpath_target"
#define CALLER "errpath_target_caller"
#define ELSE "panic"
#define FAIL_FUNCTION "/sys/kernel/debug/fail_function/"

#define CALLS 24
#define MANY 1000

/* Who decides: the point, or the kernel. */
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

struct decider {
	int (*set)(const char *knob, const char *value);
	const char *chosen;	/* the file and the text that chooses this task, or not */
	const char *yes;
	const char *no;
};

static int choose(const struct decider *d, bool yes)
{
	if (d->chosen)
		return file_write(d->chosen, yes ? d->yes : d->no);
	return d->set("tasks", yes ? d->yes : d->no);
}

static const struct decider ours = {
	.set = set_ours, .yes = "self", .no = "",
};

static const struct decider kernels = {
	.set = set_kernels, .chosen = "/proc/self/make-it-fail", .yes = "1", .no = "0",
};

/* NULL: probability 100, interval 1, times -1, space 0. */
static const struct setting {
	const char *name;
	const char *probability, *interval, *times, *space;
	bool stranger;			/* the task is not chosen */
	bool unfiltered;
	enum { ANY, REQUIRED, ELSEWHERE, REJECTED } stack;
	int failures;			/* in CALLS calls */
} cases[] = {
	{ "never", .probability = "0" },
	{ "always", .failures = CALLS },
	{ "times_0", .times = "0" },
	{ "times_5", .times = "5", .failures = 5 },
	{ "interval_3", .interval = "3", .failures = CALLS / 3 },
	{ "interval_5_times_2", .interval = "5", .times = "2", .failures = 2 },
	{ "space_7", .space = "7", .failures = CALLS - 6 },
	{ "space_4_interval_2", .space = "4", .interval = "2", .failures = 10 },
	{ "all_three", .space = "9", .interval = "4", .times = "1", .failures = 1 },
	{ "space_30", .space = "30" },
	{ "stranger", .stranger = true },
	{ "stranger_unfiltered", .stranger = true, .unfiltered = true, .failures = CALLS },
	{ "required", .stack = REQUIRED, .failures = CALLS },
	{ "required_interval_7", .stack = REQUIRED, .interval = "7", .failures = 3 },
	{ "elsewhere", .stack = ELSEWHERE },
	{ "rejected", .stack = REJECTED },
};

/* The calling function, and one that nothing calls here, as text for the knobs. */
static struct range {
	char start[32], end[32];
} caller, elsewhere;

FIXTURE(decisions)
{
	int guard;
};

/* Where @symbol is and, as the next one's place, ends. */
static int find(const char *symbol, unsigned long *start, unsigned long *end)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long address;
	char line[256], name[128];

	*start = 0;
	*end = ~0UL;
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx %*c %127s", &address, name) == 2 &&
		    !strcmp(name, symbol))
			*start = address;
	}
	if (f)
		rewind(f);
	while (f && fgets(line, sizeof(line), f)) {
		address = strtoul(line, NULL, 16);
		if (address > *start && address < *end)
			*end = address;
	}
	if (f)
		fclose(f);
	return *start ? 0 : -ENOENT;
}

static int find_range(const char *symbol, struct range *range)
{
	unsigned long start, end;
	int err = find(symbol, &start, &end);

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
	ASSERT_EQ(0, find_range(CALLER, &caller));
	ASSERT_EQ(0, find_range(ELSE, &elsewhere));
}

FIXTURE_TEARDOWN_PARENT(decisions)
{
	set_kernels("inject", "");
	set_kernels("probability", "0");
}

static int call(void)
{
	struct target_calls calls;

	return target_call(1, "traced", "task", &calls) ?: (int)calls.failed;
}

/*
 * The kernel goes on counting towards interval where it stopped before: have it
 * begin anew.
 */
static int align(const struct decider *d)
{
	int err = d->set("times", "-1");

	err = err ?: d->set("space", "0");
	for (int i = 0; i < CALLS && !err; i++) {
		if (call() == 1)
			return 0;
	}
	return err ?: -EPROTO;
}

/* Calls from anywhere count, or just those that go through, or do not go through, a range. */
static int choose_stack(const struct decider *d, int stack)
{
	const struct range *range = stack == ELSEWHERE ? &elsewhere : &caller;
	const bool require = stack == REQUIRED || stack == ELSEWHERE;
	const bool reject = stack == REJECTED;
	int err = d->set("require-start", require ? range->start : "0");

	err = err ?: d->set("require-end", require ? range->end : "0xffffffffffffffff");
	err = err ?: d->set("reject-start", reject ? range->start : "0");
	return err ?: d->set("reject-end", reject ? range->end : "0");
}

/* One letter for each of CALLS calls: failed or not. */
static int decide(const struct decider *d, const struct setting *k, char *told)
{
	int err = d->set("verbose", "0");

	err = err ?: d->set("task-filter", "Y");
	err = err ?: choose(d, true);
	err = err ?: d->set("interval", k->interval ?: "1");
	err = err ?: d->set("stacktrace-depth", "32");
	err = err ?: d->set("probability", "100");
	err = err ?: choose_stack(d, ANY);
	err = err ?: align(d);

	err = err ?: choose(d, !k->stranger);
	err = err ?: d->set("task-filter", k->unfiltered ? "N" : "Y");
	err = err ?: choose_stack(d, k->stack);
	err = err ?: d->set("space", k->space ?: "0");
	err = err ?: d->set("times", k->times ?: "-1");
	err = err ?: d->set("probability", k->probability ?: "100");
	for (int i = 0; i < CALLS; i++)
		told[i] = call() == 1 ? 'F' : '-';
	told[CALLS] = '\0';
	d->set("probability", "0");
	return err;
}

static int count(const char *told)
{
	int n = 0;

	for (; *told; told++)
		n += *told == 'F';
	return n;
}

TEST_F(decisions, are_the_kernels)
{
	char by_us[CALLS + 1], by_kernel[CALLS + 1];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, decide(&ours, &cases[i], by_us));
		ASSERT_EQ(0, set_kernels("inject", FUNCTION));
		ASSERT_EQ(0, decide(&kernels, &cases[i], by_kernel));
		ASSERT_EQ(0, set_kernels("inject", ""));
		EXPECT_STREQ(by_kernel, by_us) {
			TH_LOG("%s", cases[i].name);
		}
		EXPECT_EQ(cases[i].failures, count(by_us)) {
			TH_LOG("%s: %s", cases[i].name, by_us);
		}
	}
}

/* A quarter of many calls, give or take six standard deviations. */
static bool is_quarter(const struct decider *d, long *failed)
{
	const long mean = MANY / 4, deviation = 14;
	struct target_calls calls = { 0 };

	d->set("verbose", "0");
	d->set("times", "-1");
	choose(d, true);
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
