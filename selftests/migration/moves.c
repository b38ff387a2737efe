// SPDX-License-Identifier: GPL-2.0
/* Migration within system memory: no failure is injected, and all pages move. */
#include "migration/range.h"

FIXTURE(moves)
{
	char *mem;
};

FIXTURE_VARIANT(moves)
{
	enum source source;
	const char *how;	/* see migrate() */
	int compound;		/* huge pages that the kernel collects whole */
	long huge_kb;		/* mapped by a huge PMD after the migration */
};

FIXTURE_VARIANT_ADD(moves, small_to_4k)
{
	.source = SMALL,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(moves, hole_to_4k)
{
	.source = HOLE,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(moves, thp_to_4k)
{
	.source = HUGE,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(moves, thp_zero_to_4k)
{
	.source = HUGE_ZERO,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(moves, whole_thp_to_4k)
{
	.source = HUGE,
	.how = "system 4k compound",
	.compound = 1,
};

FIXTURE_VARIANT_ADD(moves, whole_zero_to_4k)
{
	.source = HUGE_ZERO,
	.how = "system 4k compound",
	.compound = 1,
};

FIXTURE_VARIANT_ADD(moves, whole_thp_to_2m)
{
	.source = HUGE,
	.how = "system 2m",
	.compound = 1,
	.huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(moves, whole_zero_to_2m)
{
	.source = HUGE_ZERO,
	.how = "system 2m",
	.compound = 1,
	.huge_kb = SIZE / 1024,
};

FIXTURE_SETUP(moves)
{
	const char *reason = migration_load();

	reason = reason ?: migration_unavailable(variant->how, variant->source);
	if (reason)
		SKIP(return, "%s", reason);
	self->mem = range_map(variant->how, variant->source);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN_PARENT(moves)
{
	EXPECT_EQ(0, migration_unload());
}

TEST_F(moves, all_pages)
{
	static struct placement before, after;
	struct migration m;

	/* Migrate the range. */
	range_fill(self->mem, variant->source);
	placement_read(self->mem, &before);
	EXPECT_EQ(0, migrate(self->mem, SIZE, variant->how, &m));
	EXPECT_MIGRATION(PAGES, variant->compound, PAGES, &m);

	/* Every page must have moved, with its data. */
	placement_read(self->mem, &after);
	EXPECT_EQ(0, placement_same(&before, &after));
	EXPECT_EQ(PAGES, placement_count(&after, PM_PRESENT));
	EXPECT_EQ(variant->huge_kb, after.huge_kb);
	EXPECT_TRUE(range_is_intact(self->mem, variant->source));
}
