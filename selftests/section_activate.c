// SPDX-License-Identifier: GPL-2.0
/* A memory section whose memmap cannot be allocated must leave nothing behind. */
#define HARNESS_PAGE_SIZE 4096
#include "lib/harness.h"

#include "lib/hotplug.h"
#include "lib/iomem.h"
#include "lib/knobs.h"
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

/* As a driver does that is bound again: with the same dev_pagemap. */
static int memremap_same(unsigned long start, unsigned long size)
{
	return hotplug_memremap(start, size, "same");
}

static int memunmap(unsigned long start, unsigned long size)
{
	(void)size;
	return hotplug_memunmap(start);
}

/* Fails the nth call in @operation, which must return -ENOMEM and make no further call. */
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
	int (*retry)(unsigned long start, unsigned long size);	/* NULL: add */
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

FIXTURE_VARIANT_ADD(section_activate, same_subsection_2M)
{
	.name = "same_subsection_2M",
	.operation = "memremap_pages() of 2 MiB, again with its dev_pagemap",
	.size = SUBSECTION_SIZE,
	.place = iomem_unused,
	.add = memremap_plain,
	.retry = memremap_same,
	.remove = memunmap,
};

FIXTURE_VARIANT_ADD(section_activate, same_compound_2M)
{
	.name = "same_compound_2M",
	.operation = "memremap_pages() of a compound page of 2 MiB, again with its dev_pagemap",
	.size = SUBSECTION_SIZE,
	.place = iomem_unused,
	.add = memremap_compound,
	.retry = memremap_same,
	.remove = memunmap,
};

FIXTURE_VARIANT_ADD(section_activate, same_altmap_2M)
{
	.name = "same_altmap_2M",
	.operation = "memremap_pages() of 2 MiB with its altmap, again with its dev_pagemap",
	.size = SUBSECTION_SIZE,
	.place = iomem_reserved_ram,
	.add = memremap_altmap,
	.retry = memremap_same,
	.remove = memunmap,
};

FIXTURE_SETUP(section_activate)
{
	const char *reason = point_unavailable(POINT);

	if (!reason && variant->add != hotplug_add)
		reason = hotplug_memremap_unavailable();
	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->start = variant->place(variant->size, SECTION_SIZE);
	if (!self->start)
		SKIP(return, "no reserved RAM for the altmap: boot with memmap=128M$START");
}

/* The guard was closed by the end of the test's process, even if that crashed. */
FIXTURE_TEARDOWN_PARENT(section_activate)
{
	EXPECT_EQ(0, hotplug_cleanup());
}

/*
 * The kernel allocates some memory only once, at the first success or at the first arming.
 * That is not a leak, so both happen before the verdict begins.
 */
TEST_F(section_activate, failure_leaves_nothing)
{
	struct verdict v;

	/* Add and remove the memory, arm and disarm the point. */
	ASSERT_EQ(0, variant->add(self->start, variant->size));
	ASSERT_EQ(0, variant->remove(self->start, variant->size));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	VERDICT_BEGIN(&v, variant->name);

	/* Fail to add it: every counter must be back. */
	FAIL_NTH(POINT, 1, variant->add(self->start, variant->size));
	verdict_failed(&v, POINT, variant->operation, 1);

	/* Add it without failures. */
	EXPECT_EQ(0, (variant->retry ?: variant->add)(self->start, variant->size));
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
	const char *reason = point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->start = iomem_unused(2 * SECTION_SIZE, 2 * SECTION_SIZE);
}

FIXTURE_TEARDOWN_PARENT(hotplug)
{
	EXPECT_EQ(0, hotplug_cleanup());
}

/* __add_pages() must remove the sections that it has added when a later one fails. */
TEST_F(hotplug, second_section_fails)
{
	const unsigned long size = 2 * SECTION_SIZE;
	struct verdict v;
	int err;

	/* Add and remove two sections, arm and disarm the point. */
	ASSERT_EQ(0, hotplug_add(self->start, size));
	ASSERT_EQ(0, hotplug_remove(self->start, size));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	VERDICT_BEGIN(&v, "");

	/* Fail the second section. */
	FAIL_NTH(POINT, 2, hotplug_add(self->start, size));
	verdict_failed(&v, POINT, "add_memory() of 256 MiB, its second section", 1);

	/* Add both again, and remove both. */
	err = hotplug_add(self->start, size);
	EXPECT_EQ(0, verdict_errno(&v, "retry", err, 0));
	EXPECT_EQ(0, hotplug_remove(self->start, size));
	verdict_recovered(&v, "again, and removed over the whole range");

	/* Add them once more, now that nothing is left of the failure. */
	EXPECT_EQ(0, hotplug_add(self->start, size));
	EXPECT_EQ(0, hotplug_remove(self->start, size));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

/* The second range of a section fails while the first one and its memmap are in use. */
TEST_F(hotplug, neighbour_in_section_stays)
{
	const unsigned long second = self->start + SUBSECTION_SIZE;
	const char *reason = hotplug_memremap_unavailable();
	struct verdict v;

	if (reason)
		SKIP(return, "%s", reason);

	/* Map and unmap the second range, then keep the first one mapped. */
	ASSERT_EQ(0, memremap_plain(second, SUBSECTION_SIZE));
	ASSERT_EQ(0, hotplug_memunmap(second));
	ASSERT_EQ(0, memremap_plain(self->start, SUBSECTION_SIZE));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	VERDICT_BEGIN(&v, "");

	/* Fail to map the second range. */
	FAIL_NTH(POINT, 1, memremap_plain(second, SUBSECTION_SIZE));
	verdict_failed(&v, POINT, "memremap_pages() of 2 MiB beside 2 MiB in use", 1);

	/* Map it without failures. */
	EXPECT_EQ(0, memremap_plain(second, SUBSECTION_SIZE));
	EXPECT_EQ(0, hotplug_memunmap(second));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
	EXPECT_EQ(0, hotplug_memunmap(self->start));
}

/*
 * A section with RAM from boot has its whole memmap already. Adding memory to it allocates
 * nothing, so nothing can fail, and removing that memory must not free the memmap.
 */
TEST_F(hotplug, boot_section_has_its_memmap)
{
	const char *reason = hotplug_memremap_unavailable();
	const unsigned long start = iomem_beside_ram();
	struct verdict v;
	struct stats s;

	if (reason)
		SKIP(return, "%s", reason);
	if (!start)
		SKIP(return, "no unclaimed space in a section with boot RAM: boot with -m 3136M");

	/* Map and unmap the range, arm and disarm the point. */
	ASSERT_EQ(0, memremap_plain(start, SUBSECTION_SIZE));
	ASSERT_EQ(0, hotplug_memunmap(start));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	VERDICT_BEGIN(&v, "");

	/* Map and unmap it while armed: the point must see no call. */
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(0, memremap_plain(start, SUBSECTION_SIZE));
	EXPECT_EQ(0, hotplug_memunmap(start));
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(0, s.seen);
	verdict_failed(&v, POINT, "memremap_pages() of 2 MiB beside boot RAM", 0);
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
