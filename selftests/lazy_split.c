// SPDX-License-Identifier: GPL-2.0
/*
 * Kernels that allocate the page table of a huge PMD only when that is split: no
 * memory for it, whoever splits. What was asked for fails or is tried again, as its
 * interface promises, and all is as it was.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "lib/harness.h"

#include "lib/knobs.h"
#include "lib/kmsg.h"
#include "lib/splits.h"
#include "lib/swap.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#define POINT "pmd_split"
#define TABLE_KB 4
#define ROUNDS 200		/* a page lost in each is more than noise */
#define GIVES_UP 600		/* failures after which nothing should be tried any more */

/* What is where success has changed it. */
enum part {
	SAME,
	ZERO,		/* reads as zero */
	GONE,		/* cannot be read */
	MOVED,		/* to the spare room; a hole is left */
};

FIXTURE(lazy_split)
{
	char *all;
	struct split s[2];
	int guard;
};

FIXTURE_VARIANT(lazy_split)
{
	const char *name;
	const char *operation;
	int (*prepare)(struct split *s);
	int (*operate)(struct split *s);
	int err;
	const char *site;
	const char *inlined_in;	/* which is the site on some kernels */
	const char *above;	/* a function on the stack of that, too */
	enum part part;
	enum { PLAIN, SWAP, MEMCG } needs;
	bool zero;		/* it is the huge zero page */
	bool by_folio;		/* the folio is to be split, and counts that */
	bool forks;		/* what two threads would do to each other */
	int tables;		/* more of them, besides the split one's, after success */
	const char *option;	/* what the kernel must be configured with */
};

FIXTURE_VARIANT_ADD(lazy_split, mprotect)
{
	.name = "mprotect",
	.operation = "mprotect() of a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_mprotect,
	.err = -ENOMEM,
	.site = "vma_adjust_trans_huge",
	.above = "do_mprotect_pkey",
};

FIXTURE_VARIANT_ADD(lazy_split, mprotect_zero)
{
	.name = "mprotect_zero",
	.operation = "mprotect() of a part of the huge zero page",
	.prepare = split_prepare_zero,
	.operate = split_mprotect,
	.err = -ENOMEM,
	.site = "vma_adjust_trans_huge",
	.above = "do_mprotect_pkey",
	.zero = true,
};

FIXTURE_VARIANT_ADD(lazy_split, munmap)
{
	.name = "munmap",
	.operation = "munmap() of a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_munmap,
	.err = -ENOMEM,
	.site = "vma_adjust_trans_huge",
	.above = "__vm_munmap",
	.part = GONE,
};

FIXTURE_VARIANT_ADD(lazy_split, mmap_over)
{
	.name = "mmap_over",
	.operation = "mmap() over a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_mmap_over,
	.err = -ENOMEM,
	.site = "vma_adjust_trans_huge",
	.above = "mmap_region",
	.part = ZERO,
};

FIXTURE_VARIANT_ADD(lazy_split, mlock)
{
	.name = "mlock",
	.operation = "mlock() of a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_mlock,
	.err = -ENOMEM,
	.site = "vma_adjust_trans_huge",
	.above = "do_mlock",
};

FIXTURE_VARIANT_ADD(lazy_split, mbind)
{
	.name = "mbind",
	.operation = "mbind() of a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_mbind,
	.err = -ENOMEM,
	.site = "vma_adjust_trans_huge",
	.above = "__x64_sys_mbind",
	.option = "CONFIG_NUMA",
};

FIXTURE_VARIANT_ADD(lazy_split, mremap)
{
	.name = "mremap",
	.operation = "mremap() of a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_mremap,
	.err = -ENOMEM,
	.site = "move_page_tables",
	.part = MOVED,
	.tables = 1,
};

/* The rest of madvise() that changes mappings fails for want of memory with EAGAIN. */
FIXTURE_VARIANT_ADD(lazy_split, dontfork)
{
	.name = "dontfork",
	.operation = "MADV_DONTFORK of a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_dontfork,
	.err = -EAGAIN,
	.site = "vma_adjust_trans_huge",
	.above = "do_madvise",
};

/* Success would promise zeroes. */
FIXTURE_VARIANT_ADD(lazy_split, dontneed)
{
	.name = "dontneed",
	.operation = "MADV_DONTNEED of a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_dontneed,
	.err = -ENOMEM,
	.site = "vma_adjust_trans_huge",
	.above = "do_madvise",
	.part = ZERO,
};

/* Success would promise a signal to who touches it. */
FIXTURE_VARIANT_ADD(lazy_split, guard)
{
	.name = "guard",
	.operation = "MADV_GUARD_INSTALL on a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_guard,
	.err = -ENOMEM,
	.site = "vma_adjust_trans_huge",
	.above = "do_madvise",
	.part = GONE,
};

/* Advice: the kernel may leave it. */
FIXTURE_VARIANT_ADD(lazy_split, free)
{
	.name = "free",
	.operation = "MADV_FREE of a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_free,
	.site = "try_to_migrate_one",
	.by_folio = true,
};

FIXTURE_VARIANT_ADD(lazy_split, cold)
{
	.name = "cold",
	.operation = "MADV_COLD of a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_cold,
	.site = "try_to_migrate_one",
	.by_folio = true,
};

FIXTURE_VARIANT_ADD(lazy_split, pageout)
{
	.name = "pageout",
	.operation = "MADV_PAGEOUT of a part of a THP",
	.prepare = split_prepare_thp,
	.operate = split_pageout,
	.site = "try_to_migrate_one",
	.by_folio = true,
};

FIXTURE_VARIANT_ADD(lazy_split, cow)
{
	.name = "cow",
	.operation = "MADV_POPULATE_WRITE of a part of a THP shared by fork",
	.prepare = split_prepare_shared,
	.operate = split_populate,
	.err = -ENOMEM,
	.site = "do_huge_pmd_wp_page",
	.forks = true,
};

FIXTURE_VARIANT_ADD(lazy_split, fork_pinned)
{
	.name = "fork_pinned",
	.operation = "fork() with a pinned THP",
	.prepare = split_prepare_pinned,
	.operate = split_fork,
	.err = -ENOMEM,
	.site = "copy_huge_pmd",
	.option = "CONFIG_IO_URING",
	.forks = true,
};

FIXTURE_VARIANT_ADD(lazy_split, uffd_wp)
{
	.name = "uffd_wp",
	.operation = "UFFDIO_WRITEPROTECT of a part of a THP",
	.prepare = split_prepare_wp,
	.operate = split_wp,
	.err = -ENOMEM,
	.site = "change_protection",
	.option = "CONFIG_USERFAULTFD",
};

FIXTURE_VARIANT_ADD(lazy_split, uffd_move)
{
	.name = "uffd_move",
	.operation = "UFFDIO_MOVE of a part of a THP",
	.prepare = split_prepare_move,
	.operate = split_move,
	.err = -ENOMEM,
	.site = "move_pages",
	.inlined_in = "userfaultfd_ioctl",
	.option = "CONFIG_USERFAULTFD",
	.part = MOVED,
	.tables = 1,
};

FIXTURE_VARIANT_ADD(lazy_split, pagemap_scan)
{
	.name = "pagemap_scan",
	.operation = "PAGEMAP_SCAN that write-protects a part of a THP",
	.prepare = split_prepare_wp_async,
	.operate = split_scan,
	.err = -ENOMEM,
	.site = "pagemap_scan_pmd_entry",
	.option = "CONFIG_PTE_MARKER_UFFD_WP",
};

FIXTURE_VARIANT_ADD(lazy_split, swap)
{
	.name = "swap",
	.operation = "MADV_PAGEOUT of a THP, with swap space",
	.prepare = split_prepare_thp,
	.operate = split_swap,
	.site = "try_to_unmap_one",
	.option = "CONFIG_ZRAM",
	.needs = SWAP,
};

/* Memory that cannot be had from a cgroup is told by EAGAIN. */
FIXTURE_VARIANT_ADD(lazy_split, reclaim)
{
	.name = "reclaim",
	.operation = "reclaim of a memory cgroup with a THP",
	.prepare = split_prepare_thp,
	.operate = split_reclaim,
	.err = -EAGAIN,
	.site = "try_to_unmap_one",
	.option = "CONFIG_MEMCG and CONFIG_ZRAM",
	.needs = MEMCG,
};

/* Those above: by a small page at the first place. */
static void bring_tables(char *all)
{
	madvise(all, thp_size(), MADV_NOHUGEPAGE);
	all[0] = 1;
}

FIXTURE_SETUP(lazy_split)
{
	const char *why = thp_unavailable() ?: point_unavailable(POINT);
	int err;

	if (why)
		SKIP(return, "%s", why);
	if (!thp_is_lazy())
		SKIP(return, "this kernel deposits the page table of a huge PMD");
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, thp_hold_khugepaged(true));
	if ((variant->needs && swap_begin()) || (variant->needs == MEMCG && memcg_begin()))
		SKIP(return, "this kernel lacks %s", variant->option);
	self->all = thp_map(5);
	ASSERT_NE(NULL, self->all);
	bring_tables(self->all);
	for (int i = 0; i < 2; i++) {
		self->s[i].mem = self->all + (2 * i + 1) * thp_size();
		self->s[i].spare = self->s[i].mem + thp_size();
		self->s[i].ring = -1;
		self->s[i].uffd = -1;
	}
	err = variant->prepare(&self->s[0]) ?: variant->operate(&self->s[0]);
	if (variant->option && err)
		SKIP(return, "this kernel lacks %s: %s", variant->option, strerror(-err));
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, split_discard(&self->s[0]));
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
}

FIXTURE_TEARDOWN(lazy_split)
{
	disarm(POINT);
	split_discard(&self->s[0]);
	split_discard(&self->s[1]);
	thp_unmap(self->all, 5);
	if (variant->needs == MEMCG)
		memcg_end();
	if (variant->needs)
		swap_end();
	thp_hold_khugepaged(false);
}

static long huge(const char *all)
{
	return smaps_kb(all, 5 * thp_size(), "AnonHugePages") * 1024 / (long)thp_size();
}

/* Only there: what comes after it splits folios. */
static int only_at_site(FIXTURE_VARIANT(lazy_split) const *variant)
{
	int err = knob_set(POINT, "caller", "%s", variant->site);

	if (err && variant->inlined_in)
		err = knob_set(POINT, "caller", "%s", variant->inlined_in);
	return err;
}

/* How many failures were where they should be. */
static long at_site(FIXTURE_VARIANT(lazy_split) const *variant)
{
	long failures = stats_site(POINT, variant->site);

	return variant->inlined_in ? failures + stats_site(POINT, variant->inlined_in) : failures;
}

static bool is_whole(const struct split *s, bool zero)
{
	return zero ? split_zero(s->mem, 0, SPLIT_PAGES) : !split_wrong(s->mem, 0, SPLIT_PAGES);
}

static bool part_is(const struct split *s, enum part part)
{
	const char *first = s->mem + SPLIT_FIRST * SPLIT_PAGE;
	const size_t size = (SPLIT_END - SPLIT_FIRST) * SPLIT_PAGE;

	switch (part) {
	case SAME:
		return !split_wrong(s->mem, SPLIT_FIRST, SPLIT_END);
	case ZERO:
		return split_zero(s->mem, SPLIT_FIRST, SPLIT_END);
	case GONE:
		return split_faults(first) && split_faults(first + size - SPLIT_PAGE);
	case MOVED:
		return !split_wrong(s->spare, SPLIT_FIRST, SPLIT_END);
	}
	return false;
}

/* The rest is as it was, and the part as it should be. */
static bool is_done(const struct split *s, bool zero, enum part part)
{
	if (zero)
		return is_whole(s, zero);
	return !split_wrong(s->mem, 0, SPLIT_FIRST) && part_is(s, part) &&
	       !split_wrong(s->mem, SPLIT_END, SPLIT_PAGES);
}

/* The next @times tables are not there. */
static int fail(int times)
{
	return knob_set(POINT, "times", "%d", times);
}

/* Once more, on fresh memory; what went wrong, or NULL. */
static const char *fail_again(FIXTURE_VARIANT(lazy_split) const *variant, struct split *s)
{
	int err = split_discard(s) ?: variant->prepare(s) ?: fail(1);

	if (err)
		return strerror(-err);
	err = variant->operate(s);
	if (fail(0))
		return "cannot stop failing";
	if (err && err != variant->err)
		return strerror(-err);
	return is_whole(s, variant->zero) ? NULL : "data lost";
}

TEST_F(lazy_split, failure_leaves_it_whole)
{
	const long huge_before = !variant->zero;
	struct split *s = &self->s[0];
	long kb, failed, by_folio, rest;
	struct verdict v;
	struct stats now;
	int log = kmsg_open();

	VERDICT_BEGIN(&v, variant->name);
	ASSERT_EQ(0, variant->prepare(s));
	ASSERT_EQ(huge_before, huge(self->all));
	kb = status_kb("VmPTE");
	failed = vmstat_value("thp_split_pmd_failed");
	by_folio = vmstat_value("thp_split_page_failed");
	ASSERT_LE(0, failed);

	/* Once. */
	ASSERT_EQ(0, knob_set(POINT, "verbose", "2"));
	ASSERT_EQ(0, fail(1));
	rest = variant->operate(s);
	/* Reclaim goes on, and gets it the next time. */
	if (variant->needs != MEMCG)
		EXPECT_EQ(variant->err, rest);
	ASSERT_EQ(0, fail(0));
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, stats_read(POINT, &now));
	EXPECT_EQ(1, now.injected);
	EXPECT_EQ(0, now.missed);
	EXPECT_EQ(1, at_site(variant));
	EXPECT_EQ(failed + 1, vmstat_value("thp_split_pmd_failed"));
	EXPECT_EQ(by_folio + variant->by_folio, vmstat_value("thp_split_page_failed"));
	if (variant->above)
		EXPECT_LE(1, kmsg_count(log, variant->above));
	if (variant->needs != MEMCG) {
		EXPECT_EQ(huge_before, huge(self->all));
		EXPECT_EQ(kb, status_kb("VmPTE"));
	}
	EXPECT_TRUE(is_whole(s, variant->zero));

	/* Often. */
	for (int i = 1; i < ROUNDS; i++) {
		ASSERT_EQ(NULL, fail_again(variant, s)) {
			TH_LOG("in round %d", i);
		}
	}
	ASSERT_EQ(0, stats_read(POINT, &now));
	EXPECT_EQ(ROUNDS, now.injected);
	EXPECT_EQ(ROUNDS, at_site(variant));

	/* Always. */
	ASSERT_EQ(0, split_discard(s));
	ASSERT_EQ(0, variant->prepare(s));
	ASSERT_EQ(0, fail(-1));
	EXPECT_EQ(variant->err, variant->operate(s));
	ASSERT_EQ(0, fail(0));
	ASSERT_EQ(0, stats_read(POINT, &now));
	EXPECT_LT(ROUNDS, now.injected);
	EXPECT_GE(ROUNDS + GIVES_UP, now.injected);
	EXPECT_EQ(failed + now.injected, vmstat_value("thp_split_pmd_failed"));
	EXPECT_EQ(huge_before, huge(self->all));
	EXPECT_EQ(kb, status_kb("VmPTE"));
	EXPECT_TRUE(is_whole(s, variant->zero));
	ASSERT_EQ(0, split_discard(s));
	EXPECT_EQ(kb, status_kb("VmPTE"));
	verdict_failed(&v, POINT, variant->operation, now.injected);

	/* And never. */
	ASSERT_EQ(0, variant->prepare(s));
	EXPECT_EQ(0, variant->operate(s));
	EXPECT_EQ(0, huge(self->all));
	EXPECT_EQ(kb + TABLE_KB * (1 + variant->tables), status_kb("VmPTE"));
	EXPECT_TRUE(is_done(s, variant->zero, variant->part));
	EXPECT_EQ(failed + now.injected, vmstat_value("thp_split_pmd_failed"));
	ASSERT_EQ(0, split_discard(s));
	EXPECT_EQ(kb, status_kb("VmPTE"));
	verdict_recovered(&v, "the same with success");
	VERDICT_END(&v);
	close(log);
}

/* What one of two does, at the same time as the other. */
struct work {
	FIXTURE_VARIANT(lazy_split) const *variant;
	struct split *s;
	int wrong;
};

#define WORKS 60

static bool work_once(const struct work *w)
{
	FIXTURE_VARIANT(lazy_split) const *variant = w->variant;
	int err = split_discard(w->s) ?: variant->prepare(w->s);

	if (err)
		return false;
	err = variant->operate(w->s);
	if (err)
		return err == variant->err && is_whole(w->s, variant->zero);
	return is_done(w->s, variant->zero, variant->part);
}

static void *work(void *arg)
{
	struct work *w = arg;

	for (int i = 0; i < WORKS; i++)
		w->wrong += !work_once(w);
	split_discard(w->s);
	return NULL;
}

static void *idle(void *arg)
{
	return arg;
}

/* Its stack stays, for the next one. */
static int warm_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, idle, NULL) ?: pthread_join(thread, NULL);
}

static int work_by_threads(struct work w[2])
{
	pthread_t other;
	int err = pthread_create(&other, NULL, work, &w[1]);

	if (err)
		return err;
	work(&w[0]);
	pthread_join(other, NULL);
	return w[0].wrong + w[1].wrong;
}

static int work_by_processes(struct work w[2])
{
	pid_t child[2];
	int wrong = 0, status;

	for (int i = 0; i < 2; i++) {
		child[i] = fork();
		if (!child[i]) {
			work(&w[i]);
			_exit(w[i].wrong);
		}
	}
	for (int i = 0; i < 2; i++) {
		if (waitpid(child[i], &status, 0) != child[i] || !WIFEXITED(status))
			wrong++;
		else
			wrong += WEXITSTATUS(status);
	}
	return wrong;
}

TEST_F(lazy_split, every_second_of_two_threads)
{
	struct work w[2] = { { variant, &self->s[0], 0 }, { variant, &self->s[1], 0 } };
	long failed = vmstat_value("thp_split_pmd_failed");
	struct stats now;
	long kb;

	ASSERT_EQ(0, warm_thread());
	kb = status_kb("VmPTE");
	ASSERT_EQ(0, only_at_site(variant));
	ASSERT_EQ(0, knob_set(POINT, "interval", "2"));
	ASSERT_EQ(0, fail(-1));
	EXPECT_EQ(0, variant->forks ? work_by_processes(w) : work_by_threads(w));
	ASSERT_EQ(0, fail(0));
	ASSERT_EQ(0, stats_read(POINT, &now));
	EXPECT_LE(2 * WORKS / 4, now.injected);
	EXPECT_EQ(now.matched / 2, now.injected);
	EXPECT_EQ(0, now.missed);
	EXPECT_EQ(now.injected, at_site(variant));
	failed = vmstat_value("thp_split_pmd_failed") - failed;
	/* Reclaim also meets what the other has split: it brings a table, and needs none. */
	EXPECT_GE(now.injected, failed);
	EXPECT_LE(variant->needs ? 1 : now.injected, failed);
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, split_discard(&self->s[i]));
	EXPECT_EQ(kb, status_kb("VmPTE"));

	ASSERT_EQ(0, variant->prepare(&self->s[0]));
	EXPECT_EQ(0, variant->operate(&self->s[0]));
	EXPECT_EQ(0, huge(self->all));
}

/* A huge page that huge PMDs no longer map: its folio is split without any table. */
FIXTURE(unneeded)
{
	char *all;
	struct split s;
	int guard;
};

FIXTURE_SETUP(unneeded)
{
	const char *why = thp_unavailable() ?: point_unavailable(POINT);

	if (why)
		SKIP(return, "%s", why);
	if (!thp_is_lazy())
		SKIP(return, "this kernel deposits the page table of a huge PMD");
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, thp_hold_khugepaged(true));
	self->all = thp_map(3);
	ASSERT_NE(NULL, self->all);
	bring_tables(self->all);
	self->s = (struct split){
		.mem = self->all + thp_size(),
		.spare = self->all + 2 * thp_size(),
		.ring = -1,
		.uffd = -1,
	};
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
}

FIXTURE_TEARDOWN(unneeded)
{
	disarm(POINT);
	split_discard(&self->s);
	thp_unmap(self->all, 3);
	thp_hold_khugepaged(false);
}

/* Of a huge page, while @times tables are not there; 0 or -errno. */
static int split_mapped_by_ptes(struct split *s, int times)
{
	int err = split_discard(s) ?: split_prepare_thp(s);

	err = err ?: split_mprotect(s);
	err = err ?: fail(times);
	/* Beyond what was protected: another mapping, not write-protected. */
	if (!err && madvise(s->mem + 100 * SPLIT_PAGE, SPLIT_PAGE, MADV_COLD))
		err = -errno;
	err = err ?: fail(0);
	return err ?: split_wrong(s->mem, 0, SPLIT_PAGES) ? -EILSEQ : 0;
}

TEST_F(unneeded, table_is_given_back)
{
	struct verdict v;
	struct stats now;
	long failed, kb, folios;

	ASSERT_EQ(0, split_mapped_by_ptes(&self->s, 0));
	ASSERT_EQ(0, split_discard(&self->s));
	VERDICT_BEGIN(&v, "");
	failed = vmstat_value("thp_split_pmd_failed");
	folios = vmstat_value("thp_split_page");
	kb = status_kb("VmPTE");
	for (int i = 0; i < ROUNDS; i++)
		ASSERT_EQ(0, split_mapped_by_ptes(&self->s, i % 2 ? -1 : 0));
	EXPECT_EQ(folios + ROUNDS, vmstat_value("thp_split_page"));
	ASSERT_EQ(0, stats_read(POINT, &now));
	EXPECT_LE(ROUNDS / 2, now.injected);
	EXPECT_EQ(now.injected, stats_site(POINT, "try_to_migrate_one"));
	EXPECT_EQ(failed, vmstat_value("thp_split_pmd_failed"));
	ASSERT_EQ(0, split_discard(&self->s));
	EXPECT_EQ(kb, status_kb("VmPTE"));
	verdict_failed(&v, POINT, "split of a folio that no huge PMD maps", ROUNDS);
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
