// SPDX-License-Identifier: GPL-2.0
/*
 * The allocations of errpath itself. The kernel's fail-nth fails each allocation of each
 * operation once. The operation must return an error and change nothing, or succeed.
 * Loading is not tested, because the module loader itself warns when its allocations fail
 * (event_define_fields()).
 */
#include <fcntl.h>

#include "lib/harness.h"

#include "lib/file.h"
#include "lib/knobs.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define FAILSLAB "/sys/kernel/debug/failslab"
#define FAIL_PAGE_ALLOC "/sys/kernel/debug/fail_page_alloc"
#define LIMIT 2000

/* An operation on a knob: a write, or a read if there is no value. */
struct operation {
	const char *point;
	const char *knob;
	const char *value;
	bool arms;		/* success arms the point */
};

static const struct operation operations[] = {
	{ .point = "target", .knob = "probability", .value = "100", .arms = true },
	{ .point = "target", .knob = "nth", .value = "5", .arms = true },
	{ .point = "target_notrace", .knob = "probability", .value = "100", .arms = true },
	{ .point = "alloc", .knob = "nth", .value = "1000000", .arms = true },
	{ .point = "pmd_split", .knob = "nth", .value = "1000000", .arms = true },
	{ .point = "alloc", .knob = "caller", .value = "vfs_write stack:ksys_write" },
	{ .point = "alloc", .knob = "skip", .value = "vfs_write, ksys_write" },
	{ .point = "alloc", .knob = "function", .value = "slab" },
	{ .point = "alloc", .knob = "gfp-require", .value = "GFP_KERNEL|__GFP_ZERO" },
	{ .point = "target", .knob = "tasks", .value = "self" },
	{ .point = "target", .knob = "tasks", .value = "process:self" },
	{ .point = "target", .knob = "targets", .value = "1 2:3" },
	{ .point = "target", .knob = "times", .value = "7" },
	{ .point = "target", .knob = "caller" },
	{ .point = "target", .knob = "stats" },
};

/* Returns the value of the knob, or NULL if the read failed. */
static char *read_knob(const struct operation *op)
{
	static char text[8192];

	return knob_get(op->point, op->knob, text, sizeof(text)) ? NULL : text;
}

static int operation_run(const struct operation *op)
{
	if (op->value)
		return knob_set(op->point, op->knob, "%s", op->value);
	return read_knob(op) ? 0 : -ENOMEM;
}

/*
 * Fails the @nth allocation of @act. Returns what @act returned; sets *@fired if @act had
 * so many allocations.
 */
static int run_failing(int nth, int (*act)(const void *data), const void *data, bool *fired)
{
	int err, fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	char text[32];
	ssize_t n;

	snprintf(text, sizeof(text), "%d", nth);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		abort();
	err = act(data);
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		abort();
	text[n] = '\0';
	*fired = !atoi(text);
	if (pwrite(fd, "0", 1, 0) != 1)
		abort();
	close(fd);
	return err;
}

FIXTURE(own)
{
	int guard;
};

/* Includes allocations that may sleep, may use high memory, and of any order. */
static int fail_all(const char *directory)
{
	static const char * const files[][2] = {
		{ "ignore-gfp-wait", "N" }, { "ignore-gfp-highmem", "N" }, { "min-order", "0" },
		{ "verbose", "0" },
	};
	char path[128];
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files) && !err; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, files[i][0]);
		if (!access(path, F_OK))
			err = file_write(path, files[i][1]);
	}
	return err;
}

FIXTURE_SETUP(own)
{
	if (access(FAIL_NTH, F_OK) || access(FAILSLAB, F_OK))
		SKIP(return, "this kernel has no CONFIG_FAILSLAB");
	ASSERT_EQ(0, fail_all(FAILSLAB));
	if (!access(FAIL_PAGE_ALLOC, F_OK))
		ASSERT_EQ(0, fail_all(FAIL_PAGE_ALLOC));
}

FIXTURE_TEARDOWN(own)
{
}

static int act_on_knob(const void *data)
{
	return operation_run(data);
}

static void sweep_knob(struct __test_metadata *_metadata, const struct operation *op)
{
	char before[8192], *after;
	int nth, err, errors = 0;
	bool fired = true;

	for (nth = 1; fired && nth < LIMIT; nth++) {
		int guard = guard_open();

		/* Fail one allocation of the operation. */
		ASSERT_LE(0, guard);
		after = read_knob(op);
		ASSERT_NE(NULL, after);
		snprintf(before, sizeof(before), "%s", after);
		err = run_failing(nth, act_on_knob, op, &fired);
		after = read_knob(op);
		ASSERT_NE(NULL, after);

		/* An error must have changed nothing. */
		if (err) {
			errors++;
			EXPECT_EQ(-ENOMEM, err)
				TH_LOG("%s/%s, allocation %d", op->point, op->knob, nth);
			EXPECT_STREQ(before, after)
				TH_LOG("%s/%s, allocation %d", op->point, op->knob, nth);
		}
		if (op->arms && err)
			EXPECT_STREQ("off", point_state(op->point))
				TH_LOG("%s/%s, allocation %d", op->point, op->knob, nth);
		if (op->arms && !err)
			EXPECT_STRNE("off", point_state(op->point));
		close(guard);
		EXPECT_STREQ("off", point_state(op->point));
	}
	EXPECT_FALSE(fired);
	EXPECT_EQ(0, err);
	printf("# %s/%s: %d allocations, %d of them an error\n", op->point, op->knob, nth - 2,
	       errors);
}

TEST_F_TIMEOUT(own, knobs, 200)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		sweep_knob(_metadata, &operations[i]);
}

TEST_HARNESS_MAIN
