/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MIGRATION_RANGE_H
#define MIGRATION_RANGE_H

#include "lib/harness_parts.h"

#include "lib/migrate.h"

#define PAGE 4096UL
#define PAGES 512
#define SIZE (PAGES * PAGE)

/* What the range maps before it is migrated. */
enum source {
	HUGE,		/* a THP with a pattern */
	SMALL,		/* 4k pages with a pattern */
	HOLE,		/* no pages */
	HUGE_ZERO,	/* the huge zero page */
};

/* Loads errpath_migrate.ko. Returns a reason to skip the test, or NULL. */
const char *migration_load(void);

/* Unloads errpath_migrate.ko if it is loaded. Returns 0 or -errno. */
int migration_unload(void);

/*
 * Returns a reason to skip the test if this kernel cannot migrate @source as @how says,
 * or NULL if it can. @how is the argument of migrate().
 */
const char *migration_unavailable(const char *how, enum source source);

/*
 * Maps an aligned range of SIZE bytes and migrates it once, so that everything that the
 * kernel allocates only once exists: page tables above the range, the huge zero page.
 * Returns the empty range, or NULL.
 */
char *range_map(const char *how, enum source source);

/* Makes the range a hole. Its page table goes too, which MADV_DONTNEED would leave. */
void range_clear(char *mem);

/* Clears the range and sets the huge page advice for @source. */
void range_clear_for(char *mem, enum source source);

/* Populates the range with @source. */
void range_fill(char *mem, enum source source);

/* Returns true if the range still reads as range_fill() left it. */
bool range_is_intact(const char *mem, enum source source);

/* Where each page of the range is, according to its page table. */
struct placement {
	unsigned long pagemap[PAGES];
	long huge_kb;		/* mapped by a huge PMD */
	long pte_kb;		/* page tables of this process */
};

#define PM_PRESENT	(1UL << 63)
#define PM_SWAP		(1UL << 62)	/* set for device memory, too */
#define PM_PFN		((1UL << 55) - 1)

void placement_read(const char *mem, struct placement *p);

/* Returns the number of pages that are in the same place in @a and @b. */
int placement_same(const struct placement *a, const struct placement *b);

/* Returns the number of pages that have @flag. */
int placement_count(const struct placement *p, unsigned long flag);

/* Prints the state of pages that the kernel did not let the driver migrate. */
void migration_print_refused(const struct migration *m);

#define EXPECT_MIGRATION(expected_candidates, expected_compound, expected_migrated, m) do { \
	const struct migration *__m = (m); \
	const long wanted = (expected_candidates); \
	if (__m->candidates != wanted) \
		migration_print_refused(__m); \
	EXPECT_EQ(wanted, __m->candidates); \
	EXPECT_EQ(expected_compound, __m->compound); \
	EXPECT_EQ(expected_migrated, __m->migrated); \
} while (0)

#endif
