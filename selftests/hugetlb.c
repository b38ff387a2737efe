// SPDX-License-Identifier: GPL-2.0
/*
 * Huge pages of HugeTLB give up seven of the eight pages of their memmap while they are in the
 * pool (vm.hugetlb_optimize_vmemmap), and get them back when they leave it: to free memory then
 * needs memory. A page that gets none must stay in the pool, as a surplus page.
 */
#include "lib/harness.h"

#include "lib/hotadd.h"
#include "lib/hugetlb.h"
#include "lib/iomem.h"
#include "lib/knobs.h"
#include "lib/memmap.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#define RESTORE "vmemmap_restore"
#define OPTIMIZE "vmemmap_optimize"
#define PAGES 8L
/* What the memmap of the pool loses; nothing if the hot-added memory carries it itself. */
#define GIVEN_UP (keeps_memmap(variant->dimm) ? 0 : PAGES * (MEMMAP_PER_HUGE_PAGE - 1))

static bool keeps_memmap(bool dimm)
{
	return dimm && hotadd_carries_memmap();
}

FIXTURE(hugetlb)
{
	struct hotadd_before before;
	struct memmap full;	/* with PAGES huge pages in the pool */
	long total;		/* MemTotal */
	int guard;
};

FIXTURE_VARIANT(hugetlb)
{
	const char *name;
	bool dimm;		/* the pool is of hot-added memory */
};

FIXTURE_VARIANT_ADD(hugetlb, boot)
{
	.name = "boot",
};

FIXTURE_VARIANT_ADD(hugetlb, dimm)
{
	.name = "dimm",
	.dimm = true,
};

/* The kernel cannot set memory offline that has lost pages: it tries for ever. */
static bool pages_are_lost(void)
{
	static struct known_list known;

	if (known_load(&known, "hugetlb.hugetlb.dimm.any"))
		return true;
	for (int i = 0; i < known.nr; i++) {
		if (!strcmp(known.row[i].bug, "hugetlb-pages-lost"))
			return true;
	}
	return false;
}

FIXTURE_SETUP(hugetlb)
{
	const char *why = hugetlb_unavailable() ?: point_unavailable(RESTORE) ?:
			  point_unavailable(OPTIMIZE);

	if (!why && variant->dimm)
		why = pages_are_lost() ? "known issue hugetlb-pages-lost: the DIMM could not go" :
		      hotadd_unavailable(&hotadd_by_dimm);
	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, hugetlb_optimize(true));
	if (!variant->dimm)
		return;
	/* Movable memory is what huge pages of the pool are taken from first. */
	ASSERT_EQ(0, hotadd_prepare(&self->before, "online_movable"));
	ASSERT_EQ(0, hotadd_dimm(SECTION_SIZE));
}

FIXTURE_TEARDOWN_PARENT(hugetlb)
{
	if (hugetlb_unavailable())
		return;
	EXPECT_EQ(0, hugetlb_resize(0));
	EXPECT_EQ(0, hugetlb_optimize(false));
	EXPECT_EQ(0, hotadd_cleanup(&self->before));
}

/* Resizes the pool, which must then have @pages huge pages, @surplus of which are surplus pages. */
#define RESIZE(to, pages, surplus_pages) do { \
	struct hugetlb_pool pool; \
	EXPECT_EQ(0, hugetlb_resize(to)); \
	ASSERT_EQ(0, hugetlb_pool(&pool)); \
	EXPECT_EQ(pages, pool.total); \
	EXPECT_EQ(pool.total, pool.unused); \
	EXPECT_EQ(surplus_pages, pool.surplus); \
} while (0)

/*
 * Checks that counted pages, and pages that are in use, became @pages more since @from. @name: of
 * the difference of both, in known-issues.
 */
#define MEMMAP_GREW(v, name, from, pages) do { \
	const struct memmap *earlier = (from); \
	struct memmap now; \
	ASSERT_EQ(0, memmap_read(&now)); \
	EXPECT_EQ((pages), now.counted - earlier->counted); \
	EXPECT_GE(MEMMAP_NOISE, labs(verdict_difference(v, name, \
							memmap_apart(earlier, &now), \
							MEMMAP_NOISE))); \
} while (0)

/*
 * Fills the pool: the first time, the kernel splits the memmap into small pages, and keeps a page
 * that stands for those that are given up (7.3).
 */
#define PREPARE(v) do { \
	RESIZE(PAGES, PAGES, 0); \
	ASSERT_EQ(0, arm_nth(RESTORE, 1)); \
	ASSERT_EQ(0, disarm(RESTORE)); \
	ASSERT_EQ(0, arm_nth(OPTIMIZE, 1)); \
	ASSERT_EQ(0, disarm(OPTIMIZE)); \
	self->total = meminfo_kb("MemTotal"); \
	ASSERT_EQ(0, memmap_read(&self->full)); \
	ASSERT_EQ(0, verdict_prepared(v)); \
} while (0)

/*
 * Memmap that the boot allocated is given up only once, and joins MemTotal: what the kernel
 * allocates in its place is other memory. A pool that is filled again can have pages that were not
 * in it before. @total: MemTotal when the counters were taken last.
 */
static void follow_boot_memmap(struct verdict *v, long *total)
{
	const long now = meminfo_kb("MemTotal"), pages = (now - *total) / 4;

	verdict_expect(v, "meminfo.MemTotal", pages * 4);
	verdict_expect(v, "node0.meminfo.MemTotal", pages * 4);
	verdict_expect(v, "pages.unaccounted", pages);
	verdict_expect(v, "vmstat.nr_memmap_boot_pages", -pages);
	verdict_expect(v, "vmstat.nr_memmap_pages", pages);
	*total = now;
}

/* The counts of the memmap follow the pool. */
TEST_F(hugetlb, memmap_is_given_up_and_restored)
{
	struct verdict v;

	VERDICT_BEGIN(&v, variant->name);
	PREPARE(&v);

	/* Empty and fill the pool. */
	RESIZE(0, 0, 0);
	if (memmap_is_counted())
		MEMMAP_GREW(&v, "memmap.apart", &self->full, GIVEN_UP);
	RESIZE(PAGES, PAGES, 0);
	if (memmap_is_counted())
		MEMMAP_GREW(&v, "memmap.apart", &self->full, 0);
	follow_boot_memmap(&v, &self->total);
	verdict_failed(&v, RESTORE, "a pool is emptied and filled", 0);
	RESIZE(0, 0, 0);
	VERDICT_END(&v);
}

/* No page gets its memmap back: all stay in the pool, and a retry succeeds. */
TEST_F(hugetlb, page_without_memmap_stays)
{
	const long stay = keeps_memmap(variant->dimm) ? 0 : PAGES;
	struct verdict v;
	struct stats s;

	VERDICT_BEGIN(&v, variant->name);
	PREPARE(&v);

	/* Fail to empty the pool. */
	ASSERT_EQ(0, arm_times(RESTORE, -1));
	RESIZE(0, stay, stay);
	ASSERT_EQ(0, disarm(RESTORE));
	ASSERT_EQ(0, stats_read(RESTORE, &s));
	EXPECT_LE(stay, s.injected);
	EXPECT_EQ(0, s.missed);

	/* Make the surplus pages ordinary pages of the pool: all is as before. */
	RESIZE(PAGES, PAGES, 0);
	follow_boot_memmap(&v, &self->total);
	verdict_failed(&v, RESTORE, "a pool is emptied", s.injected);

	/* Empty it with success, and fill it. */
	RESIZE(0, 0, 0);
	RESIZE(PAGES, PAGES, 0);
	follow_boot_memmap(&v, &self->total);
	verdict_recovered(&v, "the same with success, and filled");
	RESIZE(0, 0, 0);
	VERDICT_END(&v);
}

/* One page gets no memmap. From 6.7 on the kernel frees those that have theirs, and tries again. */
TEST_F(hugetlb, other_pages_are_freed)
{
	struct hugetlb_pool pool;
	struct verdict v;
	struct stats s;

	VERDICT_BEGIN(&v, variant->name);
	PREPARE(&v);

	/* Fail the third page. */
	ASSERT_EQ(0, arm_nth(RESTORE, 3));
	EXPECT_EQ(0, hugetlb_resize(0));
	ASSERT_EQ(0, disarm(RESTORE));
	ASSERT_EQ(0, stats_read(RESTORE, &s));
	EXPECT_EQ(keeps_memmap(variant->dimm) ? 0 : 1, s.injected);
	EXPECT_EQ(0, s.missed);
	ASSERT_EQ(0, hugetlb_pool(&pool));
	EXPECT_GE(1, pool.total);
	EXPECT_EQ(pool.total, pool.surplus);

	/* Fill the pool again. */
	RESIZE(PAGES, PAGES, 0);
	follow_boot_memmap(&v, &self->total);
	verdict_failed(&v, RESTORE, "a pool is emptied, all but a page", 1);
	RESIZE(0, 0, 0);
	VERDICT_END(&v);
}

/* Pages whose memmap cannot be split join the pool with all of it, and leave it again. */
TEST_F(hugetlb, page_keeps_its_memmap)
{
	struct verdict v;
	struct stats s;

	VERDICT_BEGIN(&v, variant->name);
	PREPARE(&v);

	/* Grow the pool by pages that cannot give up their memmap. */
	ASSERT_EQ(0, arm_times(OPTIMIZE, -1));
	RESIZE(2 * PAGES, 2 * PAGES, 0);
	ASSERT_EQ(0, disarm(OPTIMIZE));
	ASSERT_EQ(0, stats_read(OPTIMIZE, &s));
	EXPECT_LE(PAGES, s.injected);
	EXPECT_EQ(0, s.missed);
	if (memmap_is_counted())
		MEMMAP_GREW(&v, "memmap.apart", &self->full, 0);

	/* Shrink it: the pages that joined last leave it. */
	RESIZE(PAGES, PAGES, 0);
	follow_boot_memmap(&v, &self->total);
	verdict_failed(&v, OPTIMIZE, "a pool grows", s.injected);
	RESIZE(0, 0, 0);
	if (memmap_is_counted())
		MEMMAP_GREW(&v, "memmap.apart_at_end", &self->full, GIVEN_UP);
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
