// SPDX-License-Identifier: GPL-2.0
/* Real memory is added and removed by ACPI and by virtio-mem, also when its memmap fails. */
#define HARNESS_PAGE_SIZE 4096
#include "lib/harness.h"

#include "lib/hotadd.h"
#include "lib/iomem.h"
#include "lib/knobs.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#define POINT "section_activate"

FIXTURE(hotadd)
{
	struct hotadd_before before;
	int guard;
};

FIXTURE_VARIANT(hotadd)
{
	const struct hotadd *by;
};

FIXTURE_VARIANT_ADD(hotadd, dimm)
{
	.by = &hotadd_by_dimm,
};

FIXTURE_VARIANT_ADD(hotadd, virtio_mem)
{
	.by = &hotadd_by_virtio_mem,
};

FIXTURE_SETUP(hotadd)
{
	const char *why = point_unavailable(POINT) ?: hotadd_unavailable(variant->by);

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, hotadd_prepare(&self->before, "online_movable"));

	/* Warm up: add and remove memory, and arm the point once. */
	ASSERT_EQ(0, variant->by->resize(SECTION_SIZE));
	ASSERT_EQ(0, variant->by->resize(0));
	ASSERT_EQ(0, arm_nth_anybody(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
}

FIXTURE_TEARDOWN_PARENT(hotadd)
{
	EXPECT_EQ(0, hotadd_cleanup(&self->before));
}

TEST_F(hotadd, comes_and_goes)
{
	const long before = meminfo_kb("MemTotal");
	struct verdict v;

	VERDICT_BEGIN(&v, variant->by->name);
	EXPECT_EQ(0, variant->by->resize(SECTION_SIZE));
	EXPECT_EQ(before + (long)hotadd_usable(variant->by, SECTION_SIZE) / 1024,
		  meminfo_kb("MemTotal"));
	EXPECT_EQ(0, variant->by->resize(0));
	verdict_failed(&v, POINT, variant->by->operation, 0);
	VERDICT_END(&v);
}

TEST_F(hotadd, memmap_fails)
{
	struct verdict v;
	struct stats s;
	int err;

	VERDICT_BEGIN(&v, variant->by->name);

	/* Fail the memmap while the kernel adds memory. */
	ASSERT_EQ(0, arm_nth_anybody(POINT, 1));
	err = variant->by->resize(SECTION_SIZE);
	EXPECT_EQ(variant->by->when_refused,
		  verdict_errno(&v, "resize", err, variant->by->when_refused));
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.injected);
	EXPECT_EQ(0, s.missed);
	EXPECT_EQ(0, variant->by->resize(0));
	verdict_failed(&v, POINT, variant->by->operation, 1);

	/* Add memory with success, and remove it. */
	EXPECT_EQ(0, variant->by->resize(SECTION_SIZE));
	EXPECT_EQ(0, variant->by->resize(0));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
