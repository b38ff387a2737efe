// SPDX-License-Identifier: GPL-2.0
/*
 * The page tables of huge pages. Kernels that deposit them have one for each huge page;
 * kernels that allocate them lazily have none until a split. In both cases no page table
 * may be left after the huge pages are freed.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define HARNESS_PAGE_SIZE 4096
#include "lib/harness.h"

#include "lib/counters.h"
#include "lib/evidence.h"
#include "lib/thp.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25	/* since 6.1 */
#endif

#define N 64
#define SEED 5
#define TABLE_KB 4
/* Per-CPU differences that are not folded yet, and page tables of other processes. */
#define NOISE_PAGES 3

/* The huge pages after the first, for which the page tables above them were allocated. */
static char *range_of(char *mem)
{
	return mem + thp_size();
}

static void touch_all(char *mem)
{
	for (int i = 0; i < N; i++)
		pattern_fill(range_of(mem) + i * thp_size(), 4096, SEED + i);
}

static size_t all_wrong(const char *mem)
{
	size_t wrong = 0;

	for (int i = 0; i < N; i++)
		wrong += pattern_wrong(mem + thp_size() * (i + 1), 4096, SEED + i);
	return wrong;
}

/* The operations. They return 0 or -errno. */
static int keep(char **mem)
{
	(void)mem;
	return 0;
}

/* Makes the first half of each huge page a separate mapping. */
static int split(char **mem)
{
	for (int i = 0; i < N; i++)
		if (mprotect(range_of(*mem) + i * thp_size(), thp_size() / 2,
			     PROT_READ))
			return -errno;
	return 0;
}

#define COLLAPSE_TRIES 10

/* EAGAIN means that another task holds or locks a page; see madvise(2). */
static int collapse_one(char *huge)
{
	int err = -EAGAIN;

	for (int i = 0; i < COLLAPSE_TRIES && err == -EAGAIN; i++) {
		usleep(i * 10000);
		err = madvise(huge, thp_size(), MADV_COLLAPSE) ? -errno : 0;
	}
	return err;
}

static int collapse(char **mem)
{
	int err = split(mem);

	if (mprotect(range_of(*mem), N * thp_size(), PROT_READ | PROT_WRITE))
		return -errno;
	for (int i = 0; i < N && !err; i++)
		err = collapse_one(range_of(*mem) + i * thp_size());
	return err;
}

/* Moves the memory to the other half, whose PMDs are in the same page table. */
static int move(char **mem)
{
	const size_t size = (N + 1) * thp_size();
	char *to = *mem + size;
	void *moved = mremap(*mem, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);

	if (moved == MAP_FAILED)
		return -errno;
	*mem = to;
	return 0;
}

static int zap(char **mem)
{
	return madvise(range_of(*mem), N * thp_size(), MADV_DONTNEED) ? -errno : 0;
}

/* The child must get as many page tables as its parent has. */
static int fork_all(char **mem)
{
	long tables = status_kb("VmPTE");
	pid_t child = fork();
	int status;

	if (!child)
		_exit(all_wrong(*mem) ? 1 : tables - status_kb("VmPTE") > TABLE_KB * 8);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -errno;
	return status ? -EPROTO : 0;
}

FIXTURE(lazy_pgtable)
{
	char *mem;
};

FIXTURE_VARIANT(lazy_pgtable)
{
	int (*operate)(char **mem);
	int tables;		/* of each huge page afterwards, on kernels that deposit them */
	int lazy_tables;	/* and on kernels that allocate them at a split */
	bool gone;		/* the memory is freed */
	bool huge;		/* the huge pages stay huge */
};

FIXTURE_VARIANT_ADD(lazy_pgtable, munmap)
{
	.operate = keep, .tables = 1, .lazy_tables = 0, .huge = true,
};

FIXTURE_VARIANT_ADD(lazy_pgtable, zap)
{
	.operate = zap, .gone = true,
};

FIXTURE_VARIANT_ADD(lazy_pgtable, split)
{
	.operate = split, .tables = 1, .lazy_tables = 1,
};

FIXTURE_VARIANT_ADD(lazy_pgtable, collapse)
{
	.operate = collapse, .tables = 1, .lazy_tables = 0, .huge = true,
};

FIXTURE_VARIANT_ADD(lazy_pgtable, mremap)
{
	.operate = move, .tables = 1, .lazy_tables = 0, .huge = true,
};

FIXTURE_VARIANT_ADD(lazy_pgtable, fork)
{
	.operate = fork_all, .tables = 1, .lazy_tables = 0, .huge = true,
};

FIXTURE_SETUP(lazy_pgtable)
{
	const char *reason = thp_unavailable();

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_EQ(0, thp_hold_khugepaged(true));
	self->mem = thp_map(2 * (N + 1));
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(lazy_pgtable)
{
	thp_unmap(self->mem, 2 * (N + 1));
	thp_hold_khugepaged(false);
}

/* Returns the size of all huge pages but the first, with which the mapping begins. */
static long huge_kb(const char *mem)
{
	return smaps_kb(mem, (N + 1) * thp_size(), "AnonHugePages") -
	       (long)thp_size() / 1024;
}

static long page_tables(void)
{
	counters_settle();
	return vmstat_value("nr_page_table_pages");
}

#define EXPECT_NEAR(expected, seen, noise) do { \
	long __e = (expected), __s = (seen), __n = (noise); \
	EXPECT_LE(__e - __n, __s); \
	EXPECT_GE(__e + __n, __s); \
} while (0)

TEST_F(lazy_pgtable, one_table_each_and_all_back)
{
	const bool lazy = thp_is_lazy();
	const int made = lazy ? 0 : N;
	const int left = N * (lazy ? variant->lazy_tables : variant->tables);
	const long whole = N * (long)thp_size() / 1024;
	long kb, pages, in_meminfo;

	/* Allocate the page tables above, and read the counters. */
	self->mem[0] = 1;
	kb = status_kb("VmPTE");
	pages = page_tables();
	in_meminfo = meminfo_kb("PageTables");

	/* Make N huge pages. */
	touch_all(self->mem);
	ASSERT_EQ(whole, huge_kb(self->mem));
	EXPECT_EQ(kb + made * TABLE_KB, status_kb("VmPTE"));
	EXPECT_NEAR(pages + made, page_tables(), NOISE_PAGES);
	EXPECT_NEAR(in_meminfo + made * TABLE_KB, meminfo_kb("PageTables"),
		    NOISE_PAGES * TABLE_KB);

	/* Do the operation. */
	ASSERT_EQ(0, variant->operate(&self->mem));
	if (!variant->gone)
		EXPECT_EQ(0, all_wrong(self->mem));
	EXPECT_EQ(variant->huge ? whole : 0, huge_kb(self->mem));
	EXPECT_EQ(kb + left * TABLE_KB, status_kb("VmPTE"));
	EXPECT_NEAR(pages + left, page_tables(), NOISE_PAGES);

	/* Free them: all page tables must be free. */
	ASSERT_EQ(0, thp_renew(range_of(self->mem), N));
	EXPECT_EQ(kb, status_kb("VmPTE"));
	EXPECT_NEAR(pages, page_tables(), NOISE_PAGES);
}

/* The page tables of a process that exits must be free. */
TEST_F(lazy_pgtable, all_back_at_exit)
{
	long pages = page_tables();
	pid_t child = fork();
	int status;

	ASSERT_LE(0, child);
	if (!child) {
		touch_all(self->mem);
		_exit(variant->operate(&self->mem) ? 1 : 0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_NEAR(pages, page_tables(), NOISE_PAGES);
}

#define GIB_KB (1024L * 1024)

/* Reports the size of the page tables of one huge page, and of 100 GiB of them. */
FIXTURE(cost)
{
	char *mem;
};

FIXTURE_SETUP(cost)
{
	const char *reason = thp_unavailable();

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_EQ(0, thp_hold_khugepaged(true));
	self->mem = thp_map(N + 1);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(cost)
{
	thp_unmap(self->mem, N + 1);
	thp_hold_khugepaged(false);
}

TEST_F(cost, of_each_huge_page)
{
	long kb, each;

	self->mem[0] = 1;
	kb = status_kb("VmPTE");
	touch_all(self->mem);
	ASSERT_EQ(N * (long)thp_size() / 1024, huge_kb(self->mem));
	kb = status_kb("VmPTE") - kb;
	each = kb / N;
	evidence("%d huge pages: VmPTE %+ld kB, %ld KiB each, %ld MiB per 100 GiB", N, kb,
		 each, each * (100 * GIB_KB / ((long)thp_size() / 1024)) / 1024);
	EXPECT_EQ(thp_is_lazy() ? 0 : TABLE_KB, each);
	EXPECT_EQ(each * N, kb);
}

TEST_HARNESS_MAIN
