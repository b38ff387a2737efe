// SPDX-License-Identifier: GPL-2.0
/* Migration to device-private memory and back: no failure is injected. */
#include "migration/range.h"

FIXTURE(device)
{
	char *mem;
};

FIXTURE_VARIANT(device)
{
	enum source source;
	const char *to_device;	/* see migrate() */
	int compound;		/* huge pages that the kernel collects whole */
	const char *back;	/* "evict", or see migrate(); NULL: the CPU faults on the pages */
	long huge_kb;		/* mapped by a huge PMD after the return */
};

FIXTURE_VARIANT_ADD(device, small_by_touch)
{
	.source = SMALL,
	.to_device = "device 4k",
};

FIXTURE_VARIANT_ADD(device, hole_by_touch)
{
	.source = HOLE,
	.to_device = "device 4k",
};

FIXTURE_VARIANT_ADD(device, whole_thp_in_4k_by_touch)
{
	.source = HUGE,
	.to_device = "device 4k compound",
	.compound = 1,
};

FIXTURE_VARIANT_ADD(device, thp_by_touch)
{
	.source = HUGE,
	.to_device = "device 2m",
	.compound = 1,
	.huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(device, zero_by_touch)
{
	.source = HUGE_ZERO,
	.to_device = "device 2m",
	.compound = 1,
	.huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(device, small_evicted)
{
	.source = SMALL,
	.to_device = "device 4k",
	.back = "evict",
};

FIXTURE_VARIANT_ADD(device, thp_evicted)
{
	.source = HUGE,
	.to_device = "device 2m",
	.compound = 1,
	.back = "evict",
	.huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(device, small_fetched)
{
	.source = SMALL,
	.to_device = "device 4k",
	.back = "system 4k",
};

FIXTURE_VARIANT_ADD(device, thp_fetched)
{
	.source = HUGE,
	.to_device = "device 2m",
	.compound = 1,
	.back = "system 2m",
	.huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(device, whole_thp_fetched_in_4k)
{
	.source = HUGE,
	.to_device = "device 2m",
	.compound = 1,
	.back = "system 4k compound",
};

FIXTURE_SETUP(device)
{
	const char *reason = migration_load();

	reason = reason ?: migration_unavailable(variant->to_device, variant->source);
	if (reason)
		SKIP(return, "%s", reason);
	self->mem = range_map(variant->to_device, variant->source);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN_PARENT(device)
{
	EXPECT_EQ(0, migration_unload());
}

TEST_F(device, comes_back_intact)
{
	static struct placement placement;
	struct migration m;

	/* Migrate the range to the device. */
	range_fill(self->mem, variant->source);
	EXPECT_EQ(0, migrate(self->mem, SIZE, variant->to_device, &m));
	EXPECT_MIGRATION(PAGES, variant->compound, PAGES, &m);
	placement_read(self->mem, &placement);
	EXPECT_EQ(PAGES, placement_count(&placement, PM_SWAP));
	EXPECT_EQ(0, placement_count(&placement, PM_PRESENT));
	EXPECT_EQ(PAGES, migrate_device_used());

	/* Bring it back, unless reading it below does. */
	if (variant->back && !strcmp(variant->back, "evict")) {
		EXPECT_EQ(0, migrate_evict());
	} else if (variant->back) {
		EXPECT_EQ(0, migrate(self->mem, SIZE, variant->back, &m));
		EXPECT_MIGRATION(PAGES, variant->compound, PAGES, &m);
	}
	if (variant->back)
		EXPECT_EQ(0, migrate_device_used());
	EXPECT_TRUE(range_is_intact(self->mem, variant->source));

	/* All pages must be in system memory. */
	EXPECT_EQ(0, migrate_device_used());
	placement_read(self->mem, &placement);
	EXPECT_EQ(PAGES, placement_count(&placement, PM_PRESENT));
	EXPECT_EQ(0, placement_count(&placement, PM_SWAP));
	EXPECT_EQ(variant->huge_kb, placement.huge_kb);
}
