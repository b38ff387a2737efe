// SPDX-License-Identifier: GPL-2.0
/* Real memory comes and goes by ACPI and by virtio-mem, and its memmap cannot be allocated. */
#include "kselftest_harness.h"

#include "lib/hotadd.h"
#include "lib/iomem.h"
#include "lib/knobs.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#define POINT "section_activate"

FIXTURE(hotadd)
{
	int guard;
};

FIXTURE_VARIANT(hotadd)
{
	const char *name;
	const char *operation;
	int (*resize)(unsigned long size);
	int when_failed;
};

FIXTURE_VARIANT_ADD(hotadd, dimm)
{
	.name = "dimm",
	.operation = "hot-add of a DIMM of 128 MiB",
	.resize = hotadd_dimm,
	.when_failed = -EIO,
};

FIXTURE_VARIANT_ADD(hotadd, virtio_mem)
{
	.name = "virtio_mem",
	.operation = "growth of virtio-mem by 128 MiB",
	.resize = hotadd_virtio_mem,
	.when_failed = -ENOMEM,
};

FIXTURE_SETUP(hotadd)
{
	const char *why = point_unavailable(POINT) ?: hotadd_unavailable();

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, hotadd_prepare());
	ASSERT_EQ(0, variant->resize(SECTION_SIZE));
	ASSERT_EQ(0, variant->resize(0));
	ASSERT_EQ(0, arm_nth_anybody(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
}

FIXTURE_TEARDOWN_PARENT(hotadd)
{
	EXPECT_EQ(0, hotadd_cleanup());
}

TEST_F(hotadd, comes_and_goes)
{
	const long before = meminfo_kb("MemTotal");
	struct verdict v;

	VERDICT_BEGIN(&v, variant->name);
	EXPECT_EQ(0, variant->resize(SECTION_SIZE));
	EXPECT_EQ(before + (long)SECTION_SIZE / 1024, meminfo_kb("MemTotal"));
	EXPECT_EQ(0, variant->resize(0));
	verdict_failed(&v, POINT, variant->operation, 0);
	VERDICT_END(&v);
}

TEST_F(hotadd, memmap_fails)
{
	struct verdict v;
	struct stats s;
	int err;

	VERDICT_BEGIN(&v, variant->name);
	ASSERT_EQ(0, arm_nth_anybody(POINT, 1));
	err = variant->resize(SECTION_SIZE);
	EXPECT_EQ(variant->when_failed,
		  verdict_errno(&v, "resize", err, variant->when_failed));
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.injected);
	EXPECT_EQ(0, s.missed);
	EXPECT_EQ(0, variant->resize(0));
	verdict_failed(&v, POINT, variant->operation, 1);

	EXPECT_EQ(0, variant->resize(SECTION_SIZE));
	EXPECT_EQ(0, variant->resize(0));
	verdict_recovered(&v, "the same with success, and removed");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
