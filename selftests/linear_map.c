// SPDX-License-Identifier: GPL-2.0
/*
 * arm64: memory is added, and a page table of its linear map fails. A kernel that oopses ends
 * the guest.
 */
#include "lib/harness.h"

#include "lib/hotplug.h"
#include "lib/iomem.h"
#include "lib/knobs.h"
#include "lib/verdict.h"

#define POINT "linear_map"
#define PUD_SIZE (1024 * MiB)	/* a range in a new one needs page tables */

FIXTURE(linear_map)
{
	unsigned long start;
	int guard;
};

FIXTURE_SETUP(linear_map)
{
	const char *reason = point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->start = iomem_unused(SECTION_SIZE, PUD_SIZE);
}

FIXTURE_TEARDOWN_PARENT(linear_map)
{
	EXPECT_EQ(0, hotplug_cleanup());
}

TEST_F(linear_map, page_table_fails)
{
	struct verdict v;
	struct stats s;

	/* Add and remove the memory, arm and disarm the point. */
	ASSERT_EQ(0, hotplug_add(self->start, SECTION_SIZE));
	ASSERT_EQ(0, hotplug_remove(self->start, SECTION_SIZE));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	VERDICT_BEGIN(&v, "");

	/* Fail the first page table. */
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(-ENOMEM, hotplug_add(self->start, SECTION_SIZE));
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.injected);
	EXPECT_EQ(0, s.missed);
	verdict_failed(&v, POINT, "add_memory() of 128 MiB", 1);

	/* Add it without failures. */
	EXPECT_EQ(0, hotplug_add(self->start, SECTION_SIZE));
	EXPECT_EQ(0, hotplug_remove(self->start, SECTION_SIZE));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
