// SPDX-License-Identifier: GPL-2.0
/*
 * A migration in which an allocation or a split fails: what cannot be migrated stays in
 * place with its data, nothing leaks, and the next migration of the same range succeeds.
 */
#include <sys/mman.h>

#include "lib/knobs.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#include "migration/range.h"

#define TABLE_KB 4
#define ROUNDS 200	/* one page lost in each round exceeds the noise */

/* Which pages a migration may move. Both strings are arguments of migrate(). */
struct scenario {
	enum source source;
	const char *first;	/* a migration before the one that fails, or NULL */
	const char *how;	/* the migration that fails */
};

/* Which calls fail. A knob that is NULL keeps its default. */
struct failure {
	const char *point;
	const char *function;
	const char *caller;
	int times;		/* failures in each migration */
};

/* What a migration must have done. */
struct outcome {
	long candidates;	/* pages that the kernel let the driver migrate */
	long compound;		/* huge pages among them */
	long migrated;
	long huge_kb;		/* mapped by a huge PMD afterwards */
	int lazy_tables;	/* page tables allocated for a split, which stay */
};

FIXTURE(fails)
{
	char *mem;
	int guard;
};

/*
 * @name: the variant's name, for the verdict
 * @operation: the migration in words, for the evidence
 * @kernels: the test needs a kernel that deposits a page table with each huge PMD, or
 *	one that allocates it when the huge PMD is split
 * @failed: the outcome with the failure
 * @retried: the outcome of the same migration without it
 */
FIXTURE_VARIANT(fails)
{
	const char *name;
	const char *operation;
	enum { ANY_KERNEL, DEPOSITS, ALLOCATES_AT_SPLIT } kernels;
	struct scenario scenario;
	struct failure failure;
	struct outcome failed;
	struct outcome retried;
};

/* migrate_vma_setup() cannot split a THP that is to be collected as 4k pages. */
FIXTURE_VARIANT_ADD(fails, thp_split)
{
	.name = "thp_split",
	.operation = "migrate_vma_setup() of a THP, to be split",
	.scenario = { .source = HUGE, .how = "system 4k" },
	.failure = { .point = "folio_split", .times = 1 },
	.failed = { .huge_kb = SIZE / 1024 },
	.retried = { .candidates = PAGES, .migrated = PAGES },
};

/* A hole's first page gets no page table, so that page is not migrated. */
FIXTURE_VARIANT_ADD(fails, hole_table)
{
	.name = "hole_table",
	.operation = "migrate_vma_pages() into a range without a page table",
	.scenario = { .source = HOLE, .how = "system 4k" },
	.failure = { .point = "pmd_split", .caller = "__pte_alloc", .times = 1 },
	.failed = { .candidates = PAGES, .migrated = PAGES - 1 },
	.retried = { .candidates = PAGES, .migrated = PAGES },
};

/* A THP that was collected whole cannot be split into 4k pages later. */
FIXTURE_VARIANT_ADD(fails, whole_split)
{
	.name = "whole_split",
	.operation = "migrate_vma_pages() of a THP to 4k pages",
	.scenario = { .source = HUGE, .how = "system 4k compound" },
	.failure = {
		.point = "folio_split",
		.function = "folio_split_unmapped",
		.times = 1,
	},
	.failed = { .candidates = PAGES, .compound = 1, .lazy_tables = 1 },
	.retried = { .candidates = PAGES, .migrated = PAGES },
};

/* The same for a THP on the device, where it stays until the CPU accesses it. */
FIXTURE_VARIANT_ADD(fails, whole_split_device)
{
	.name = "whole_split_device",
	.operation = "migrate_vma_pages() of a THP on the device to 4k pages",
	.scenario = { .source = HUGE, .first = "device 2m", .how = "system 4k compound" },
	.failure = {
		.point = "folio_split",
		.function = "folio_split_unmapped",
		.times = 1,
	},
	.failed = { .candidates = PAGES, .compound = 1, .lazy_tables = 1 },
	.retried = { .candidates = PAGES, .migrated = PAGES },
};

/* A huge page that replaces the huge zero page gets no page table to deposit. */
FIXTURE_VARIANT_ADD(fails, whole_zero_deposit)
{
	.name = "whole_zero_deposit",
	.operation = "migrate_vma_pages() of the huge zero page to 2 MiB",
	.kernels = DEPOSITS,
	.scenario = { .source = HUGE_ZERO, .how = "system 2m" },
	.failure = {
		.point = "pmd_split",
		.caller = "stack:__migrate_device_pages",
		.times = 1,
	},
	.failed = { .candidates = PAGES, .compound = 1 },
	.retried = {
		.candidates = PAGES,
		.compound = 1,
		.migrated = PAGES,
		.huge_kb = SIZE / 1024,
	},
};

/* The same for a huge page in a hole. */
FIXTURE_VARIANT_ADD(fails, whole_hole_deposit)
{
	.name = "whole_hole_deposit",
	.operation = "migrate_vma_pages() into an empty range, of 2 MiB",
	.kernels = DEPOSITS,
	.scenario = { .source = HOLE, .how = "system 2m" },
	.failure = {
		.point = "pmd_split",
		.caller = "stack:__migrate_device_pages",
		.times = 1,
	},
	.failed = { .candidates = PAGES, .compound = 1 },
	.retried = {
		.candidates = PAGES,
		.compound = 1,
		.migrated = PAGES,
		.huge_kb = SIZE / 1024,
	},
};

/* A THP that was collected whole gets no page table for its split. */
FIXTURE_VARIANT_ADD(fails, lazy_split)
{
	.name = "lazy_split",
	.operation = "migrate_vma_pages() of a THP to 4k pages",
	.kernels = ALLOCATES_AT_SPLIT,
	.scenario = { .source = HUGE, .how = "system 4k compound" },
	.failure = { .point = "pmd_split", .times = 1 },
	.failed = { .candidates = PAGES, .compound = 1, .huge_kb = SIZE / 1024 },
	.retried = { .candidates = PAGES, .compound = 1, .migrated = PAGES },
};

/* Each 4k page finds the huge zero page in its place, and tries to split it. */
FIXTURE_VARIANT_ADD(fails, lazy_zero_split)
{
	.name = "lazy_zero_split",
	.operation = "migrate_vma_pages() of the huge zero page to 4k pages",
	.kernels = ALLOCATES_AT_SPLIT,
	.scenario = { .source = HUGE_ZERO, .how = "system 4k compound" },
	.failure = { .point = "pmd_split", .times = PAGES },
	.failed = { .candidates = PAGES, .compound = 1 },
	.retried = { .candidates = PAGES, .compound = 1, .migrated = PAGES },
};

static const char *wrong_kernel(bool lazy)
{
	if (thp_is_lazy() == lazy)
		return NULL;
	return lazy ? "this kernel deposits the page table of a huge PMD" :
		      "this kernel deposits no page table for a huge PMD";
}

/* Returns a reason to skip the variant, or NULL. */
static const char *fails_unavailable(FIXTURE_VARIANT(fails) const *variant)
{
	const struct scenario *s = &variant->scenario;
	const char *reason = point_unavailable(variant->failure.point) ?: migration_load();

	if (!reason)
		reason = migration_unavailable(s->how, s->source);
	if (!reason && s->first)
		reason = migration_unavailable(s->first, s->source);
	if (!reason && variant->kernels != ANY_KERNEL)
		reason = wrong_kernel(variant->kernels == ALLOCATES_AT_SPLIT);
	return reason;
}

FIXTURE_SETUP(fails)
{
	const struct failure *f = &variant->failure;
	const char *reason = fails_unavailable(variant);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->mem = range_map(variant->scenario.how, variant->scenario.source);
	ASSERT_NE(NULL, self->mem);
	if (f->function && knob_set(f->point, "function", "%s", f->function))
		SKIP(return, "this kernel lacks %s()", f->function);
	if (f->caller)
		ASSERT_EQ(0, knob_set(f->point, "caller", "%s", f->caller));

	/* Arm once: what the first arming allocates is not a leak. */
	ASSERT_EQ(0, arm_nth(f->point, 1));
	ASSERT_EQ(0, disarm(f->point));
}

FIXTURE_TEARDOWN_PARENT(fails)
{
	EXPECT_EQ(0, migration_unload());
}

/* Does what precedes the migration that fails. Returns 0 or -errno. */
static int scenario_prepare(const struct scenario *s, char *mem)
{
	struct migration m;

	range_fill(mem, s->source);
	return s->first ? migrate(mem, SIZE, s->first, &m) : 0;
}

/* Migrates the range with failures, of which none is left over. Returns 0 or -errno. */
static int migrate_failing(FIXTURE_VARIANT(fails) const *variant, const char *mem,
			   struct migration *m)
{
	const struct failure *f = &variant->failure;
	int err = knob_set(f->point, "times", "%d", f->times);

	if (!err)
		err = migrate(mem, SIZE, variant->scenario.how, m);
	return err ?: knob_set(f->point, "times", "0");
}

/* Like scenario_prepare(), but marks only one page of a huge page, which is faster. */
static int scenario_prepare_marked(const struct scenario *s, char *mem, char *mark, char value)
{
	struct migration m;

	range_clear_for(mem, s->source);
	if (s->source == HUGE)
		*mark = value;
	else if (s->source == HUGE_ZERO)
		madvise(mem, SIZE, MADV_POPULATE_READ);
	return s->first ? migrate(mem, SIZE, s->first, &m) : 0;
}

/* Repeats the failure. Returns 0 or -errno: -EPROTO for another outcome, -EILSEQ for data. */
static int fail_again(FIXTURE_VARIANT(fails) const *variant, char *mem, int round)
{
	const struct scenario *s = &variant->scenario;
	char *mark = mem + round % PAGES * PAGE;
	struct migration m;
	int err;

	err = scenario_prepare_marked(s, mem, mark, round);
	if (!err)
		err = migrate_failing(variant, mem, &m);
	if (err)
		return err;
	if (m.migrated != variant->failed.migrated)
		return -EPROTO;
	return s->source == HUGE && *mark != (char)round ? -EILSEQ : 0;
}

TEST_F(fails, nothing_lost)
{
	const struct outcome *failed = &variant->failed, *retried = &variant->retried;
	const struct scenario *scenario = &variant->scenario;
	const struct failure *failure = &variant->failure;
	const int tables = thp_is_lazy() ? failed->lazy_tables : 0;
	static struct placement before, after;
	struct migration m;
	struct verdict v;
	struct stats s;

	/* Arm the point, without failing anything yet. */
	VERDICT_BEGIN(&v, variant->name);
	ASSERT_EQ(0, knob_set(failure->point, "verbose", "0"));
	ASSERT_EQ(0, arm_times(failure->point, 0));

	/* Fail one migration. */
	ASSERT_EQ(0, scenario_prepare(scenario, self->mem));
	placement_read(self->mem, &before);
	EXPECT_EQ(0, migrate_failing(variant, self->mem, &m));
	EXPECT_MIGRATION(failed->candidates, failed->compound, failed->migrated, &m);

	/* All other pages must be in place, and the data intact. */
	placement_read(self->mem, &after);
	EXPECT_EQ(PAGES - failed->migrated, placement_same(&before, &after));
	EXPECT_EQ(failed->huge_kb, after.huge_kb);
	if (!failed->migrated)
		EXPECT_EQ(before.pte_kb + TABLE_KB * tables, after.pte_kb);
	EXPECT_TRUE(range_is_intact(self->mem, scenario->source));

	/* Fail it again, so that a leak adds up. */
	for (int i = 1; i < ROUNDS; i++)
		ASSERT_EQ(0, fail_again(variant, self->mem, i));
	ASSERT_EQ(0, disarm(failure->point));

	/* Every failure must have happened, and every counter be back. */
	ASSERT_EQ(0, stats_read(failure->point, &s));
	EXPECT_EQ(ROUNDS * failure->times, s.injected);
	EXPECT_EQ(0, s.missed);
	range_clear(self->mem);
	verdict_failed(&v, failure->point, variant->operation, ROUNDS);

	/* Fail another migration. */
	ASSERT_EQ(0, scenario_prepare(scenario, self->mem));
	ASSERT_EQ(0, arm_times(failure->point, 0));
	EXPECT_EQ(0, migrate_failing(variant, self->mem, &m));
	ASSERT_EQ(0, disarm(failure->point));
	ASSERT_EQ(0, stats_read(failure->point, &s));
	EXPECT_EQ(failure->times, s.injected);

	/* Migrate the same range without failures. */
	EXPECT_EQ(0, migrate(self->mem, SIZE, scenario->how, &m));
	EXPECT_MIGRATION(retried->candidates, retried->compound, retried->migrated, &m);
	placement_read(self->mem, &after);
	EXPECT_EQ(PAGES, placement_count(&after, PM_PRESENT));
	EXPECT_EQ(retried->huge_kb, after.huge_kb);
	EXPECT_TRUE(range_is_intact(self->mem, scenario->source));
	range_clear(self->mem);
	verdict_recovered(&v, "the same with success, where it had failed");
	VERDICT_END(&v);
}
