// SPDX-License-Identifier: GPL-2.0
/*
 * Kernels that allocate the page table of a huge PMD only when they split it: every
 * operation that splits one gets no memory for that page table. The operation must fail
 * or be tried again, as its interface promises, and the memory must be as it was.
 *
 * The operations are in lazy/operations.c, the test of a folio that needs no page table
 * for its split is in lazy/unneeded.c.
 */
#define HARNESS_PAGE_SIZE 4096
#include "lib/harness_parts.h"

#include "lib/knobs.h"
#include "lib/kmsg.h"
#include "lib/swap.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#include "lazy/operation.h"

#define TABLE_KB 4
#define ROUNDS 200		/* one page lost in each round exceeds the noise */
#define GIVES_UP 600		/* after so many failures the kernel must have stopped trying */
#define HUGE_PAGES 5		/* one for page tables, then two of struct split */

FIXTURE(lazy_split)
{
	const struct lazy_operation *op;
	char *all;
	struct split s[2];
	int guard;
};

FIXTURE_VARIANT(lazy_split)
{
	const char *name;	/* of an operation */
};

FIXTURE_VARIANT_ADD(lazy_split, mprotect)
{
	.name = "mprotect",
};

FIXTURE_VARIANT_ADD(lazy_split, mprotect_zero)
{
	.name = "mprotect_zero",
};

FIXTURE_VARIANT_ADD(lazy_split, munmap)
{
	.name = "munmap",
};

FIXTURE_VARIANT_ADD(lazy_split, mmap_over)
{
	.name = "mmap_over",
};

FIXTURE_VARIANT_ADD(lazy_split, mlock)
{
	.name = "mlock",
};

FIXTURE_VARIANT_ADD(lazy_split, mbind)
{
	.name = "mbind",
};

FIXTURE_VARIANT_ADD(lazy_split, mremap)
{
	.name = "mremap",
};

FIXTURE_VARIANT_ADD(lazy_split, dontfork)
{
	.name = "dontfork",
};

FIXTURE_VARIANT_ADD(lazy_split, dontneed)
{
	.name = "dontneed",
};

FIXTURE_VARIANT_ADD(lazy_split, guard)
{
	.name = "guard",
};

FIXTURE_VARIANT_ADD(lazy_split, free)
{
	.name = "free",
};

FIXTURE_VARIANT_ADD(lazy_split, cold)
{
	.name = "cold",
};

FIXTURE_VARIANT_ADD(lazy_split, pageout)
{
	.name = "pageout",
};

FIXTURE_VARIANT_ADD(lazy_split, cow)
{
	.name = "cow",
};

FIXTURE_VARIANT_ADD(lazy_split, fork_pinned)
{
	.name = "fork_pinned",
};

FIXTURE_VARIANT_ADD(lazy_split, uffd_wp)
{
	.name = "uffd_wp",
};

FIXTURE_VARIANT_ADD(lazy_split, uffd_move)
{
	.name = "uffd_move",
};

FIXTURE_VARIANT_ADD(lazy_split, pagemap_scan)
{
	.name = "pagemap_scan",
};

FIXTURE_VARIANT_ADD(lazy_split, swap)
{
	.name = "swap",
};

FIXTURE_VARIANT_ADD(lazy_split, reclaim)
{
	.name = "reclaim",
};

FIXTURE_SETUP(lazy_split)
{
	const char *reason = lazy_unavailable();
	const struct lazy_operation *op = lazy_operation_find(variant->name);
	int err;

	ASSERT_NE(NULL, op);
	self->op = op;
	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, thp_hold_khugepaged(true));
	if ((op->needs && swap_begin()) || (op->needs == LAZY_MEMCG && memcg_begin()))
		SKIP(return, "this kernel lacks %s", op->option);

	/* Map two huge pages, each with spare memory. */
	self->all = lazy_map(HUGE_PAGES);
	ASSERT_NE(NULL, self->all);
	for (int i = 0; i < 2; i++) {
		self->s[i].mem = self->all + (2 * i + 1) * thp_size();
		self->s[i].spare = self->s[i].mem + thp_size();
		self->s[i].ring = -1;
		self->s[i].uffd = -1;
	}

	/* Try the operation without failures. */
	err = op->prepare(&self->s[0]) ?: op->operate(&self->s[0]);
	if (op->option && err)
		SKIP(return, "this kernel lacks %s: %s", op->option, strerror(-err));
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, split_discard(&self->s[0]));

	/* Arm the point, without failing anything yet. */
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
}

FIXTURE_TEARDOWN(lazy_split)
{
	disarm(POINT);
	split_discard(&self->s[0]);
	split_discard(&self->s[1]);
	thp_unmap(self->all, HUGE_PAGES);
	if (self->op->needs == LAZY_MEMCG)
		memcg_end();
	if (self->op->needs)
		swap_end();
	thp_hold_khugepaged(false);
}

/* Returns the number of huge pages that huge PMDs map. */
static long huge_pages(const char *all)
{
	long kb = smaps_kb(all, HUGE_PAGES * thp_size(), "AnonHugePages");

	return kb * 1024 / (long)thp_size();
}

/* Fails only allocations at the operation's site, as later ones split folios. */
static int site_select(const struct lazy_operation *op)
{
	int err = knob_set(POINT, "caller", "%s", op->site);

	if (err && op->inlined_in)
		err = knob_set(POINT, "caller", "%s", op->inlined_in);
	return err;
}

/* Returns the number of failures at the operation's site. */
static long site_failures(const struct lazy_operation *op)
{
	long failures = stats_site(POINT, op->site);

	return op->inlined_in ? failures + stats_site(POINT, op->inlined_in) : failures;
}

/* Repeats the failure on fresh memory. Returns what went wrong, or NULL. */
static const char *fail_again(const struct lazy_operation *op, struct split *s)
{
	int err = split_discard(s) ?: op->prepare(s);

	if (!err)
		err = lazy_fail(1);
	if (err)
		return strerror(-err);
	err = op->operate(s);
	if (lazy_fail(0))
		return "cannot stop failing";
	if (err && err != op->err)
		return strerror(-err);
	return lazy_is_whole(op, s) ? NULL : "data lost";
}

TEST_F(lazy_split, failure_leaves_it_whole)
{
	const struct lazy_operation *op = self->op;
	const long huge_before = !op->zero_page;
	long kb, failed, folios_failed, err;
	struct split *s = &self->s[0];
	int log = kmsg_open();
	struct verdict v;
	struct stats now;

	/* Make a huge page, and read the counters. */
	VERDICT_BEGIN(&v, variant->name);
	ASSERT_EQ(0, op->prepare(s));
	ASSERT_EQ(huge_before, huge_pages(self->all));
	kb = status_kb("VmPTE");
	failed = vmstat_value("thp_split_pmd_failed");
	folios_failed = vmstat_value("thp_split_page_failed");
	ASSERT_LE(0, failed);

	/* Fail one allocation. Reclaim goes on after that, and succeeds. */
	ASSERT_EQ(0, knob_set(POINT, "verbose", "2"));
	ASSERT_EQ(0, lazy_fail(1));
	err = op->operate(s);
	if (op->needs != LAZY_MEMCG)
		EXPECT_EQ(op->err, err);
	ASSERT_EQ(0, lazy_fail(0));
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));

	/* The failure must have been at the site, and counted. */
	ASSERT_EQ(0, stats_read(POINT, &now));
	EXPECT_EQ(1, now.injected);
	EXPECT_EQ(0, now.missed);
	EXPECT_EQ(1, site_failures(op));
	EXPECT_EQ(failed + 1, vmstat_value("thp_split_pmd_failed"));
	EXPECT_EQ(folios_failed + op->splits_folio, vmstat_value("thp_split_page_failed"));
	if (op->above)
		EXPECT_LE(1, kmsg_count(log, op->above));

	/* The huge page must be whole. */
	if (op->needs != LAZY_MEMCG) {
		EXPECT_EQ(huge_before, huge_pages(self->all));
		EXPECT_EQ(kb, status_kb("VmPTE"));
	}
	EXPECT_TRUE(lazy_is_whole(op, s));

	/* Fail it again, so that a leak adds up. */
	for (int i = 1; i < ROUNDS; i++) {
		ASSERT_EQ(NULL, fail_again(op, s)) {
			TH_LOG("in round %d", i);
		}
	}
	ASSERT_EQ(0, stats_read(POINT, &now));
	EXPECT_EQ(ROUNDS, now.injected);
	EXPECT_EQ(ROUNDS, site_failures(op));

	/* Fail all allocations: the operation must give up. */
	ASSERT_EQ(0, split_discard(s));
	ASSERT_EQ(0, op->prepare(s));
	ASSERT_EQ(0, lazy_fail(-1));
	EXPECT_EQ(op->err, op->operate(s));
	ASSERT_EQ(0, lazy_fail(0));
	ASSERT_EQ(0, stats_read(POINT, &now));
	EXPECT_LT(ROUNDS, now.injected);
	EXPECT_GE(ROUNDS + GIVES_UP, now.injected);
	EXPECT_EQ(failed + now.injected, vmstat_value("thp_split_pmd_failed"));
	EXPECT_EQ(huge_before, huge_pages(self->all));
	EXPECT_EQ(kb, status_kb("VmPTE"));
	EXPECT_TRUE(lazy_is_whole(op, s));

	/* Free the memory: every counter must be back. */
	ASSERT_EQ(0, split_discard(s));
	EXPECT_EQ(kb, status_kb("VmPTE"));
	verdict_failed(&v, POINT, op->operation, now.injected);

	/* Do it without failures. */
	ASSERT_EQ(0, op->prepare(s));
	EXPECT_EQ(0, op->operate(s));
	EXPECT_EQ(0, huge_pages(self->all));
	EXPECT_EQ(kb + TABLE_KB * (1 + op->tables), status_kb("VmPTE"));
	EXPECT_TRUE(lazy_is_done(op, s));
	EXPECT_EQ(failed + now.injected, vmstat_value("thp_split_pmd_failed"));
	ASSERT_EQ(0, split_discard(s));
	EXPECT_EQ(kb, status_kb("VmPTE"));
	verdict_recovered(&v, "the same with success");
	VERDICT_END(&v);
	close(log);
}

TEST_F(lazy_split, every_second_of_two_threads)
{
	const struct lazy_operation *op = self->op;
	long failed = vmstat_value("thp_split_pmd_failed");
	struct stats now;
	long kb;

	/* Let two do it at the same time, and fail every second allocation. */
	ASSERT_EQ(0, lazy_warm_thread());
	kb = status_kb("VmPTE");
	ASSERT_EQ(0, site_select(op));
	ASSERT_EQ(0, knob_set(POINT, "interval", "2"));
	ASSERT_EQ(0, lazy_fail(-1));
	EXPECT_EQ(0, lazy_work_by_two(op, self->s));
	ASSERT_EQ(0, lazy_fail(0));

	/* All failures must have been at the site. */
	ASSERT_EQ(0, stats_read(POINT, &now));
	EXPECT_LE(2 * LAZY_WORKS / 4, now.injected);
	EXPECT_EQ(now.matched / 2, now.injected);
	EXPECT_EQ(0, now.missed);
	EXPECT_EQ(now.injected, site_failures(op));

	/*
	 * Reclaim also meets huge PMDs that the other task has just split: it allocates a
	 * page table but does not need it, so that this failure is not counted.
	 */
	failed = vmstat_value("thp_split_pmd_failed") - failed;
	EXPECT_GE(now.injected, failed);
	EXPECT_LE(op->needs ? 1 : now.injected, failed);

	/* Free the memory: no page table may be left. */
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, split_discard(&self->s[i]));
	EXPECT_EQ(kb, status_kb("VmPTE"));

	/* Do it without failures. */
	ASSERT_EQ(0, op->prepare(&self->s[0]));
	EXPECT_EQ(0, op->operate(&self->s[0]));
	EXPECT_EQ(0, huge_pages(self->all));
}

TEST_HARNESS_MAIN
