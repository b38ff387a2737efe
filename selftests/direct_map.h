/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real memory is added, and a page table of its direct map fails. A kernel that oopses ends the
 * guest, so each way of hot-add has its own program, which defines HOTADD as that way.
 */
#include "lib/harness.h"

#include "lib/hotadd.h"
#include "lib/iomem.h"
#include "lib/knobs.h"
#include "lib/verdict.h"

#define POINT "direct_map"

FIXTURE(direct_map)
{
	const struct hotadd *by;
	struct hotadd_before before;
	int guard;
};

FIXTURE_SETUP(direct_map)
{
	const char *why = point_unavailable(POINT) ?: hotadd_unavailable(&(HOTADD));

	if (why)
		SKIP(return, "%s", why);
	self->by = &(HOTADD);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, hotadd_prepare(&self->before, "online_movable"));

	/* Warm up: add and remove memory, and arm the point once. */
	ASSERT_EQ(0, self->by->resize(SECTION_SIZE));
	ASSERT_EQ(0, self->by->resize(0));
	ASSERT_EQ(0, arm_nth_anybody(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
}

FIXTURE_TEARDOWN_PARENT(direct_map)
{
	EXPECT_EQ(0, hotadd_cleanup(&self->before));
}

TEST_F(direct_map, page_table_fails)
{
	struct verdict v;
	struct stats s;
	int err;

	VERDICT_BEGIN(&v, "");

	/* Fail the page table while the kernel adds memory. */
	ASSERT_EQ(0, arm_nth_anybody(POINT, 1));
	err = self->by->resize(SECTION_SIZE);
	EXPECT_EQ(self->by->when_refused,
		  verdict_errno(&v, "resize", err, self->by->when_refused));
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.injected);
	EXPECT_EQ(0, s.missed);
	EXPECT_EQ(0, self->by->resize(0));
	verdict_failed(&v, POINT, self->by->operation, 1);

	/* Add memory with success, and remove it. */
	EXPECT_EQ(0, self->by->resize(SECTION_SIZE));
	EXPECT_EQ(0, self->by->resize(0));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
