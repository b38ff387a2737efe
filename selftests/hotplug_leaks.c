// SPDX-License-Identifier: GPL-2.0
/* Leaks of a failed hot-add that are too small to be seen after one failure. */
#include <math.h>

#define HARNESS_PAGE_SIZE 4096
#include "lib/harness.h"

#include "lib/counters.h"
#include "lib/hotplug.h"
#include "lib/iomem.h"
#include "lib/knobs.h"
#include "lib/slopes.h"
#include "lib/verdict.h"

#define POINT "section_activate"

FIXTURE(leaks)
{
	unsigned long start;
	int guard;
};

FIXTURE_SETUP(leaks)
{
	const char *reason = point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->start = iomem_unused(SECTION_SIZE, SECTION_SIZE);
}

/* The guard was closed by the end of the test's process, even if that crashed. */
FIXTURE_TEARDOWN_PARENT(leaks)
{
	EXPECT_EQ(0, hotplug_cleanup());
}

/*
 * The point stays armed, because arming takes longer than an operation. The knob times
 * decides whether the next call fails.
 */
static int add_and_remove(void *start)
{
	int err = knob_set(POINT, "times", "0");

	if (!err)
		err = hotplug_add((unsigned long)start, SECTION_SIZE);
	return err ?: hotplug_remove((unsigned long)start, SECTION_SIZE);
}

static int fail_to_add(void *start)
{
	int err = knob_set(POINT, "times", "1");

	if (err)
		return err;
	err = hotplug_add((unsigned long)start, SECTION_SIZE);
	return err == -ENOMEM ? 0 : err ?: -EPROTO;
}

TEST_F_TIMEOUT(leaks, thousand_failures, 60)
{
	const struct slopes_operation op = {
		.clean = add_and_remove,
		.failing = fail_to_add,
		.arg = (void *)self->start,
		.rounds = 3,
		.nr_clean = 50,
		.nr_failing = 334,
	};
	struct verdict v;
	struct slopes s;
	struct stats n;

	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
	ASSERT_EQ(0, add_and_remove(op.arg));
	ASSERT_EQ(0, slopes_prepare());
	VERDICT_BEGIN(&v, "");

	/* Fail the operation, in turn with clean ones. */
	ASSERT_EQ(0, slopes_measure(&op, &s));
	ASSERT_EQ(0, stats_read(POINT, &n));
	EXPECT_EQ(op.rounds * op.nr_failing, n.injected);
	EXPECT_EQ(0, n.missed);
	ASSERT_EQ(0, disarm(POINT));
	verdict_failed(&v, POINT, "add_memory() of 128 MiB",
		       op.rounds * op.nr_failing);
	verdict_slopes(&v, &s);

	/* Do it without failures. */
	EXPECT_EQ(0, hotplug_add(self->start, SECTION_SIZE));
	EXPECT_EQ(0, hotplug_remove(self->start, SECTION_SIZE));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

static int remap_or_fail(void *start, const char *times, int expected)
{
	int err = knob_set(POINT, "times", "%s", times);

	if (err)
		return err;
	err = hotplug_memremap((unsigned long)start, SUBSECTION_SIZE, "");
	return err == expected ? 0 : err ?: -EPROTO;
}

static int remap_with_success(void *start)
{
	return remap_or_fail(start, "0", 0) ?: hotplug_memunmap((unsigned long)start);
}

static int fail_to_remap(void *start)
{
	return remap_or_fail(start, "1", -ENOMEM);
}

/* memremap_pages() has more to undo than add_memory(). */
TEST_F_TIMEOUT(leaks, memremap_failures, 60)
{
	const struct slopes_operation op = {
		.clean = remap_with_success,
		.failing = fail_to_remap,
		.arg = (void *)self->start,
		.rounds = 1,
		.nr_clean = 50,
		.nr_failing = 700,
	};
	const char *reason = hotplug_memremap_unavailable();
	struct verdict v;
	struct slopes s;
	struct stats n;

	if (reason)
		SKIP(return, "%s", reason);

	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
	ASSERT_EQ(0, remap_with_success(op.arg));
	ASSERT_EQ(0, slopes_prepare());
	VERDICT_BEGIN(&v, "");

	/* Fail the operation, in turn with clean ones. */
	ASSERT_EQ(0, slopes_measure(&op, &s));
	ASSERT_EQ(0, stats_read(POINT, &n));
	EXPECT_EQ(op.rounds * op.nr_failing, n.injected);
	EXPECT_EQ(0, n.missed);
	ASSERT_EQ(0, disarm(POINT));
	verdict_failed(&v, POINT, "memremap_pages() of 2 MiB",
		       op.rounds * op.nr_failing);
	verdict_slopes(&v, &s);

	/* Do it without failures. */
	EXPECT_EQ(0, hotplug_memremap(self->start, SUBSECTION_SIZE, ""));
	EXPECT_EQ(0, hotplug_memunmap(self->start));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

/*
 * The memmap of 2 MiB is eight pages, and perhaps a page table. The fifth page fails: the
 * pages before it must be freed.
 */
#define PARTIAL "vmemmap_block"

static int remap_and_unmap(void *start)
{
	int err = knob_set(PARTIAL, "nth", "1000000");

	if (!err)
		err = hotplug_memremap((unsigned long)start, SUBSECTION_SIZE, "");
	return err ?: hotplug_memunmap((unsigned long)start);
}

static int populate_partly(void *start)
{
	int err = knob_set(PARTIAL, "nth", "5");

	if (err)
		return err;
	err = hotplug_memremap((unsigned long)start, SUBSECTION_SIZE, "");
	return err == -ENOMEM ? 0 : err ?: -EPROTO;
}

TEST_F_TIMEOUT(leaks, memmap_partly_populated, 60)
{
	const struct slopes_operation op = {
		.clean = remap_and_unmap,
		.failing = populate_partly,
		.arg = (void *)self->start,
		.rounds = 1,
		.nr_clean = 20,
		.nr_failing = 100,
	};
	const long failures = op.rounds * op.nr_failing;
	const char *reason = hotplug_memremap_unavailable();
	struct verdict v;
	struct slopes s;
	struct stats n;

	if (reason)
		SKIP(return, "%s", reason);

	ASSERT_EQ(0, knob_set(PARTIAL, "verbose", "0"));
	ASSERT_EQ(0, knob_set(PARTIAL, "tasks", "self"));
	ASSERT_EQ(0, remap_and_unmap(op.arg));
	ASSERT_EQ(0, slopes_prepare());
	VERDICT_BEGIN(&v, "");

	/* Fail the operation, in turn with clean ones. */
	ASSERT_EQ(0, slopes_measure(&op, &s));
	ASSERT_EQ(0, stats_read(PARTIAL, &n));
	EXPECT_EQ(failures, n.injected);
	EXPECT_EQ(0, n.missed);
	ASSERT_EQ(0, disarm(PARTIAL));
	verdict_failed(&v, PARTIAL, "memremap_pages() of 2 MiB, in the midst of its memmap",
		       failures);
	verdict_slopes(&v, &s);

	/* Do it without failures. */
	EXPECT_EQ(0, hotplug_memremap(self->start, SUBSECTION_SIZE, ""));
	EXPECT_EQ(0, hotplug_memunmap(self->start));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

/*
 * Tests the slopes themselves: the stimulus module leaks on purpose in each failed
 * operation, and exactly that leak must be found. The test thousand_failures shows that
 * none is found when nothing leaks.
 */
FIXTURE(planted)
{
	unsigned long start;
	int guard;
};

#define SLAB_OF_192 "kmalloc-192"	/* or the cache that has its objects */

struct planted_slope {
	const char *counter;
	double per_failure;
};

FIXTURE_VARIANT(planted)
{
	const char *leak;	/* see hotplug_leak() */
	struct planted_slope slope[2];	/* all that may be found */
};

FIXTURE_VARIANT_ADD(planted, page)
{
	.leak = "page",
	.slope = { { COUNTERS_PAGES, -1 }, { COUNTERS_UNACCOUNTED, 1 } },
};

FIXTURE_VARIANT_ADD(planted, object)
{
	.leak = "object",
	.slope = { { "slab." SLAB_OF_192, 1 } },
};

FIXTURE_SETUP(planted)
{
	const char *reason = point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->start = iomem_unused(SECTION_SIZE, SECTION_SIZE);
	ASSERT_EQ(0, hotplug_leak(variant->leak));
}

FIXTURE_TEARDOWN_PARENT(planted)
{
	EXPECT_EQ(0, hotplug_cleanup());
}

static bool is_counter(const char *counter, const char *name)
{
	char text[64];

	if (strcmp(counter, "slab." SLAB_OF_192))
		return !strcmp(counter, name);
	snprintf(text, sizeof(text), "slab.%s", counters_slab_of_192());
	return !strcmp(text, name);
}

static bool is_planted(const struct planted_slope slope[2], const struct slope *found)
{
	for (int i = 0; i < 2; i++) {
		if (slope[i].counter && is_counter(slope[i].counter, found->name))
			return fabs(slope[i].per_failure - found->failing) < 0.3;
	}
	return false;
}

/* The slabs of the CPUs hide up to 84 objects: less than 0.3 of an object per failure. */
TEST_F_TIMEOUT(planted, is_named, 60)
{
	const struct slopes_operation op = {
		.clean = add_and_remove,
		.failing = fail_to_add,
		.arg = (void *)self->start,
		.rounds = 1,
		.nr_clean = 50,
		.nr_failing = 400,
	};
	struct known_list known;
	struct slopes s;
	int named = 0;

	ASSERT_EQ(0, known_load(&known, "hotplug_leaks.planted"));
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
	ASSERT_EQ(0, add_and_remove(op.arg));
	ASSERT_EQ(0, slopes_prepare());

	/* Measure the slopes. */
	ASSERT_EQ(0, slopes_measure(&op, &s));
	EXPECT_EQ(0, add_and_remove(op.arg));

	/* The planted leak must be the only one that is not known. */
	for (int i = 0; i < s.nr; i++) {
		printf("# %s: %+.2f per clean operation, %+.2f per failure\n",
		       s.out[i].name, s.out[i].clean, s.out[i].failing);
		if (known_difference(&known, s.out[i].name, 1, true) ==
		    lround(s.out[i].failing))
			continue;
		EXPECT_EQ(1, is_planted(variant->slope, &s.out[i])) TH_LOG("%s", s.out[i].name);
		named++;
	}
	EXPECT_EQ(variant->slope[1].counter ? 2 : 1, named);
}

TEST_HARNESS_MAIN
