// SPDX-License-Identifier: GPL-2.0
/* A memory section whose memmap cannot be allocated leaves nothing behind. */
#include "kselftest_harness.h"

#include "lib/counters.h"
#include "lib/hotplug.h"
#include "lib/iomem.h"
#include "lib/knobs.h"
#include "lib/slopes.h"
#include "lib/verdict.h"

#define POINT "section_activate"

static int memremap_plain(unsigned long start, unsigned long size)
{
	return hotplug_memremap(start, size, "");
}

static int memremap_compound(unsigned long start, unsigned long size)
{
	return hotplug_memremap(start, size, "shift=9");
}

static int memremap_altmap(unsigned long start, unsigned long size)
{
	return hotplug_memremap(start, size, "altmap");
}

static int memunmap(unsigned long start, unsigned long size)
{
	(void)size;
	return hotplug_memunmap(start);
}

/* Armed for the nth call, the operation fails as out of memory, at that call. */
#define FAIL_NTH(point, nth, operation) do { \
	const char *at = (point); \
	const long call = (nth); \
	struct stats s; \
	ASSERT_EQ(0, arm_nth(at, call)); \
	EXPECT_EQ(-ENOMEM, operation); \
	ASSERT_EQ(0, disarm(at)); \
	ASSERT_EQ(0, stats_read(at, &s)); \
	EXPECT_EQ(call, s.matched); \
	EXPECT_EQ(1, s.injected); \
	EXPECT_EQ(0, s.missed); \
} while (0)

#define BEGIN(v, variant) \
	ASSERT_EQ(0, verdict_begin(v, _metadata->fixture->name, variant, \
				   _metadata->name))

FIXTURE(section_activate)
{
	unsigned long start;
	int guard;
};

FIXTURE_VARIANT(section_activate)
{
	const char *name;
	const char *operation;
	unsigned long size;
	unsigned long (*place)(unsigned long size, unsigned long align);
	int (*add)(unsigned long start, unsigned long size);
	int (*remove)(unsigned long start, unsigned long size);
};

FIXTURE_VARIANT_ADD(section_activate, section_128M)
{
	.name = "section_128M",
	.operation = "add_memory() of 128 MiB",
	.size = SECTION_SIZE,
	.place = iomem_unused,
	.add = hotplug_add,
	.remove = hotplug_remove,
};

FIXTURE_VARIANT_ADD(section_activate, subsection_2M)
{
	.name = "subsection_2M",
	.operation = "memremap_pages() of 2 MiB",
	.size = SUBSECTION_SIZE,
	.place = iomem_unused,
	.add = memremap_plain,
	.remove = memunmap,
};

FIXTURE_VARIANT_ADD(section_activate, subsection_4M)
{
	.name = "subsection_4M",
	.operation = "memremap_pages() of 4 MiB",
	.size = 2 * SUBSECTION_SIZE,
	.place = iomem_unused,
	.add = memremap_plain,
	.remove = memunmap,
};

FIXTURE_VARIANT_ADD(section_activate, compound_2M)
{
	.name = "compound_2M",
	.operation = "memremap_pages() of a compound page of 2 MiB",
	.size = SUBSECTION_SIZE,
	.place = iomem_unused,
	.add = memremap_compound,
	.remove = memunmap,
};

FIXTURE_VARIANT_ADD(section_activate, altmap_2M)
{
	.name = "altmap_2M",
	.operation = "memremap_pages() of 2 MiB with its memmap inside (altmap)",
	.size = SUBSECTION_SIZE,
	.place = iomem_reserved_ram,
	.add = memremap_altmap,
	.remove = memunmap,
};

FIXTURE_SETUP(section_activate)
{
	const char *why = point_unavailable(POINT);

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->start = variant->place(variant->size, SECTION_SIZE);
	if (!self->start)
		SKIP(return, "no reserved RAM for the altmap: boot with memmap=128M$START");
}

/* The guard went with the process of the test, whatever ended that. */
FIXTURE_TEARDOWN_PARENT(section_activate)
{
	EXPECT_EQ(0, hotplug_cleanup());
}

/*
 * What the kernel allocates once, at the first success or at the first arming,
 * is no leak: both happen before anything is compared.
 */
TEST_F(section_activate, failure_leaves_nothing)
{
	struct verdict v;

	ASSERT_EQ(0, variant->add(self->start, variant->size));
	ASSERT_EQ(0, variant->remove(self->start, variant->size));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	BEGIN(&v, variant->name);

	FAIL_NTH(POINT, 1, variant->add(self->start, variant->size));
	verdict_failed(&v, POINT, variant->operation, 1);

	EXPECT_EQ(0, variant->add(self->start, variant->size));
	EXPECT_EQ(0, variant->remove(self->start, variant->size));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

FIXTURE(hotplug)
{
	unsigned long start;
	int guard;
};

FIXTURE_SETUP(hotplug)
{
	const char *why = point_unavailable(POINT);

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->start = iomem_unused(2 * SECTION_SIZE, 2 * SECTION_SIZE);
}

FIXTURE_TEARDOWN_PARENT(hotplug)
{
	EXPECT_EQ(0, hotplug_cleanup());
}

/* __add_pages() gives each section back when a later one fails, or should. */
TEST_F(hotplug, second_section_fails)
{
	const unsigned long size = 2 * SECTION_SIZE;
	struct verdict v;
	int err;

	ASSERT_EQ(0, hotplug_add(self->start, size));
	ASSERT_EQ(0, hotplug_remove(self->start, size));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	BEGIN(&v, "");

	FAIL_NTH(POINT, 2, hotplug_add(self->start, size));
	verdict_failed(&v, POINT, "add_memory() of 256 MiB, its second section",
		       1);

	err = hotplug_add(self->start, size);
	EXPECT_EQ(0, verdict_errno(&v, "retry", err, 0));
	EXPECT_EQ(0, hotplug_remove(self->start, size));
	verdict_recovered(&v, "again, and removed over the whole range");

	EXPECT_EQ(0, hotplug_add(self->start, size));
	EXPECT_EQ(0, hotplug_remove(self->start, size));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

/* The memmap of 4 MiB is 16 pages: the first four must go when the fifth fails. */
TEST_F(hotplug, part_of_memmap_fails)
{
	const char *point = "vmemmap_block";
	const char *why = point_unavailable(point);
	const unsigned long size = 2 * SUBSECTION_SIZE;
	struct verdict v;

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, memremap_plain(self->start, size));
	ASSERT_EQ(0, hotplug_memunmap(self->start));
	ASSERT_EQ(0, arm_nth(point, 1));
	ASSERT_EQ(0, disarm(point));
	BEGIN(&v, "");

	FAIL_NTH(point, 5, memremap_plain(self->start, size));
	verdict_failed(&v, point, "memremap_pages() of 4 MiB, after 4 of 16 pages of memmap",
		       1);

	EXPECT_EQ(0, memremap_plain(self->start, size));
	EXPECT_EQ(0, hotplug_memunmap(self->start));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

/* A section's second range fails while the first one, with its memmap, is in use. */
TEST_F(hotplug, neighbour_in_section_stays)
{
	const unsigned long second = self->start + SUBSECTION_SIZE;
	struct verdict v;

	ASSERT_EQ(0, memremap_plain(second, SUBSECTION_SIZE));
	ASSERT_EQ(0, hotplug_memunmap(second));
	ASSERT_EQ(0, memremap_plain(self->start, SUBSECTION_SIZE));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	BEGIN(&v, "");

	FAIL_NTH(POINT, 1, memremap_plain(second, SUBSECTION_SIZE));
	verdict_failed(&v, POINT, "memremap_pages() of 2 MiB beside 2 MiB in use",
		       1);

	EXPECT_EQ(0, memremap_plain(second, SUBSECTION_SIZE));
	EXPECT_EQ(0, hotplug_memunmap(second));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
	EXPECT_EQ(0, hotplug_memunmap(self->start));
}

/*
 * A section that boot RAM shares has all of its memmap already: nothing is
 * allocated, so nothing can fail, and removing must not free it.
 */
TEST_F(hotplug, boot_section_has_its_memmap)
{
	const unsigned long start = iomem_beside_ram();
	struct verdict v;
	struct stats s;

	if (!start)
		SKIP(return, "no unclaimed space in a section with boot RAM: boot with -m 3136M");
	ASSERT_EQ(0, memremap_plain(start, SUBSECTION_SIZE));
	ASSERT_EQ(0, hotplug_memunmap(start));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	BEGIN(&v, "");

	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(0, memremap_plain(start, SUBSECTION_SIZE));
	EXPECT_EQ(0, hotplug_memunmap(start));
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(0, s.seen);
	verdict_failed(&v, POINT, "memremap_pages() of 2 MiB beside boot RAM", 0);
	VERDICT_END(&v);
}

/* Armed all the time, for that takes longer than an operation; times decides. */
static int add_and_remove(void *start)
{
	int err = knob_set(POINT, "times", "0");

	err = err ?: hotplug_add((unsigned long)start, SECTION_SIZE);
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

TEST_F_TIMEOUT(hotplug, thousand_failures, 60)
{
	const struct slopes_operation op = {
		.clean = add_and_remove,
		.failing = fail_to_add,
		.arg = (void *)self->start,
		.rounds = 3,
		.nr_clean = 100,
		.nr_failing = 334,
	};
	struct verdict v;
	struct slopes s;
	struct stats n;

	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
	ASSERT_EQ(0, add_and_remove(op.arg));
	ASSERT_EQ(0, slopes_prepare());
	BEGIN(&v, "");

	ASSERT_EQ(0, slopes_measure(&op, &s));
	ASSERT_EQ(0, stats_read(POINT, &n));
	EXPECT_EQ(op.rounds * op.nr_failing, n.injected);
	EXPECT_EQ(0, n.missed);
	ASSERT_EQ(0, disarm(POINT));
	verdict_failed(&v, POINT, "add_memory() of 128 MiB",
		       op.rounds * op.nr_failing);
	verdict_slopes(&v, &s);

	EXPECT_EQ(0, hotplug_add(self->start, SECTION_SIZE));
	EXPECT_EQ(0, hotplug_remove(self->start, SECTION_SIZE));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

/*
 * The memmap of 2 MiB is eight pages. The fifth fails: what the four before it
 * took, page tables among it, is given back.
 */
#define PARTIAL "vmemmap_block"

static int remap_and_unmap(void *start)
{
	int err = knob_set(PARTIAL, "nth", "1000000");

	err = err ?: memremap_plain((unsigned long)start, SUBSECTION_SIZE);
	return err ?: hotplug_memunmap((unsigned long)start);
}

static int populate_partly(void *start)
{
	int err = knob_set(PARTIAL, "nth", "5");

	if (err)
		return err;
	err = memremap_plain((unsigned long)start, SUBSECTION_SIZE);
	return err == -ENOMEM ? 0 : err ?: -EPROTO;
}

TEST_F_TIMEOUT(hotplug, memmap_partly_populated, 60)
{
	const struct slopes_operation op = {
		.clean = remap_and_unmap,
		.failing = populate_partly,
		.arg = (void *)self->start,
		.rounds = 1,
		.nr_clean = 50,
		.nr_failing = 300,
	};
	const long failures = op.rounds * op.nr_failing;
	struct verdict v;
	struct slopes s;
	struct stats n;

	ASSERT_EQ(0, knob_set(PARTIAL, "verbose", "0"));
	ASSERT_EQ(0, knob_set(PARTIAL, "tasks", "self"));
	ASSERT_EQ(0, remap_and_unmap(op.arg));
	ASSERT_EQ(0, slopes_prepare());
	BEGIN(&v, "");

	ASSERT_EQ(0, slopes_measure(&op, &s));
	ASSERT_EQ(0, stats_read(PARTIAL, &n));
	EXPECT_EQ(failures, n.injected);
	EXPECT_EQ(0, n.missed);
	ASSERT_EQ(0, disarm(PARTIAL));
	verdict_failed(&v, PARTIAL, "memremap_pages() of 2 MiB, in the midst of its memmap",
		       failures);
	verdict_slopes(&v, &s);

	EXPECT_EQ(0, memremap_plain(self->start, SUBSECTION_SIZE));
	EXPECT_EQ(0, hotplug_memunmap(self->start));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

/*
 * Do slopes see what they are for? The stimulus loses something on purpose with
 * each failed operation, and just that must be named. That nothing is named
 * where nothing is lost, thousand_failures tells.
 */
FIXTURE(planted)
{
	unsigned long start;
	int guard;
};

FIXTURE_VARIANT(planted)
{
	const char *leak;
	const char *counter;
	double per_failure;
};

FIXTURE_VARIANT_ADD(planted, page)
{
	.leak = "page",
	.counter = COUNTERS_PAGES,
	.per_failure = -1,
};

FIXTURE_VARIANT_ADD(planted, object)
{
	.leak = "object",
	.counter = "slab.kmalloc-192",
	.per_failure = 1,
};

FIXTURE_SETUP(planted)
{
	const char *why = point_unavailable(POINT);

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->start = iomem_unused(SECTION_SIZE, SECTION_SIZE);
	ASSERT_EQ(0, hotplug_leak(variant->leak));
}

FIXTURE_TEARDOWN_PARENT(planted)
{
	EXPECT_EQ(0, hotplug_cleanup());
}

TEST_F_TIMEOUT(planted, is_named, 60)
{
	const struct slopes_operation op = {
		.clean = add_and_remove,
		.failing = fail_to_add,
		.arg = (void *)self->start,
		.rounds = 1,
		.nr_clean = 100,
		.nr_failing = 300,
	};
	struct slopes s;

	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
	ASSERT_EQ(0, add_and_remove(op.arg));
	ASSERT_EQ(0, slopes_prepare());
	ASSERT_EQ(0, slopes_measure(&op, &s));
	EXPECT_EQ(0, add_and_remove(op.arg));

	EXPECT_EQ(1, s.nr);
	for (int i = 0; i < s.nr; i++) {
		printf("# %s: %+.2f per clean operation, %+.2f per failure\n",
		       s.out[i].name, s.out[i].clean, s.out[i].failing);
		EXPECT_STREQ(variant->counter, s.out[i].name);
		EXPECT_LT(variant->per_failure - 0.3, s.out[i].failing);
		EXPECT_GT(variant->per_failure + 0.3, s.out[i].failing);
	}
}

TEST_HARNESS_MAIN
