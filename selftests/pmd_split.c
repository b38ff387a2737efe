// SPDX-License-Identifier: GPL-2.0
/*
 * No memory for the page table of a huge PMD. Stock kernels deposit it when they map the
 * huge page: in a page fault, and in fork() for the child. Each of these operations fails
 * once. It must report that, change nothing, and succeed the next time.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define HARNESS_PAGE_SIZE 4096
#include "lib/harness.h"

#include "lib/knobs.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#define POINT "pmd_split"
#define SEED 1

/* Operations on the range of a huge page. They return 0 or -errno. */
static int touch(char *mem)
{
	__atomic_store_n(mem, 1, __ATOMIC_RELAXED);
	return 0;
}

static int touch_zero(char *mem)
{
	return __atomic_load_n(mem, __ATOMIC_RELAXED);
}

static int populate_read(char *mem)
{
	return madvise(mem, thp_size(), MADV_POPULATE_READ) ? -errno : 0;
}

static int populate_write(char *mem)
{
	return madvise(mem, thp_size(), MADV_POPULATE_WRITE) ? -errno : 0;
}

static int read_into(char *mem)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int err = read(fd, mem, 4096) < 0 ? -errno : 0;

	close(fd);
	return err;
}

static bool is_intact(const char *mem, bool zero)
{
	return zero ? is_zero(mem, thp_size()) : !pattern_wrong(mem, thp_size(), SEED);
}

static int fork_and_wait(char *mem)
{
	bool zero = !mem[0];
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child)
		_exit(!is_intact(mem, zero));
	waitpid(child, &status, 0);
	return status ? -EPROTO : 0;
}

/* What the range maps before the operation. */
static void leave_empty(char *mem)
{
	madvise(mem, thp_size(), MADV_DONTNEED);
}

static void make_thp(char *mem)
{
	pattern_fill(mem, thp_size(), SEED);
}

static void make_zero_pmd(char *mem)
{
	touch_zero(mem);
}

FIXTURE(deposit)
{
	char *mem;
	char *range;
	int guard;
};

FIXTURE_VARIANT(deposit)
{
	const char *name;
	const char *operation;
	void (*prepare)(char *mem);
	int (*operate)(char *mem);
	int err;
	bool always;		/* fail all calls, as the kernel retries immediately */
	const char *site;	/* the function whose call fails */
	int huge_before;	/* huge pages in the range before the operation */
	int huge_failed;	/* after a failed one */
	int huge_after;		/* after a successful one */
};

/* A failed page fault is repeated when the task resumes, and then succeeds. */
FIXTURE_VARIANT_ADD(deposit, touch)
{
	.name = "touch",
	.operation = "write to a THP's range",
	.prepare = leave_empty,
	.operate = touch,
	.site = "do_huge_pmd_anonymous_page",
	.huge_failed = 1,
	.huge_after = 1,
};

FIXTURE_VARIANT_ADD(deposit, touch_zero)
{
	.name = "touch_zero",
	.operation = "read from a THP's range (huge zero page)",
	.prepare = leave_empty,
	.operate = touch_zero,
	.site = "do_huge_pmd_anonymous_page",
};

FIXTURE_VARIANT_ADD(deposit, populate_read)
{
	.name = "populate_read",
	.operation = "MADV_POPULATE_READ (huge zero page)",
	.prepare = leave_empty,
	.operate = populate_read,
	.err = -ENOMEM,
	.site = "do_huge_pmd_anonymous_page",
};

FIXTURE_VARIANT_ADD(deposit, populate_write)
{
	.name = "populate_write",
	.operation = "MADV_POPULATE_WRITE",
	.prepare = leave_empty,
	.operate = populate_write,
	.err = -ENOMEM,
	.site = "do_huge_pmd_anonymous_page",
	.huge_after = 1,
};

/* It must return even if every allocation fails. */
FIXTURE_VARIANT_ADD(deposit, populate_read_always)
{
	.name = "populate_read_always",
	.operation = "MADV_POPULATE_READ, every try",
	.prepare = leave_empty,
	.operate = populate_read,
	.err = -ENOMEM,
	.always = true,
	.site = "do_huge_pmd_anonymous_page",
};

FIXTURE_VARIANT_ADD(deposit, read)
{
	.name = "read",
	.operation = "read(2) into a THP's range",
	.prepare = leave_empty,
	.operate = read_into,
	.err = -EFAULT,
	.always = true,
	.site = "do_huge_pmd_anonymous_page",
	.huge_after = 1,
};

FIXTURE_VARIANT_ADD(deposit, fork_thp)
{
	.name = "fork_thp",
	.operation = "fork() with a THP",
	.prepare = make_thp,
	.operate = fork_and_wait,
	.err = -ENOMEM,
	.site = "copy_huge_pmd",
	.huge_before = 1,
	.huge_failed = 1,
	.huge_after = 1,
};

FIXTURE_VARIANT_ADD(deposit, fork_zero_pmd)
{
	.name = "fork_zero_pmd",
	.operation = "fork() with a huge zero page",
	.prepare = make_zero_pmd,
	.operate = fork_and_wait,
	.err = -ENOMEM,
	.site = "copy_huge_pmd",
};

FIXTURE_SETUP(deposit)
{
	const char *reason = thp_unavailable() ?: point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	if (thp_is_lazy())
		SKIP(return, "this kernel deposits no page tables");
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, thp_hold_khugepaged(true));

	/* Touch the first half, which allocates the page tables above the PMD. */
	self->mem = thp_map(2);
	ASSERT_NE(NULL, self->mem);
	self->mem[0] = 0;
	self->range = self->mem + thp_size();

	/* A process that has mapped the huge zero page once keeps a reference to it. */
	touch_zero(self->range);
}

FIXTURE_TEARDOWN(deposit)
{
	thp_unmap(self->mem, 2);
	thp_hold_khugepaged(false);
}

/* Returns the number of huge pages that are mapped in the range. */
static long huge_pages(const char *range)
{
	/* It is the second half of a mapping whose first half is one huge page. */
	return smaps_kb(range - thp_size(), 2 * thp_size(), "AnonHugePages") * 1024 /
	       (long)thp_size() - 1;
}

/* @site may call __@site, which most compilers inline. */
static long failures_at(const char *site)
{
	char inner[128];

	snprintf(inner, sizeof(inner), "__%s", site);
	return stats_site(POINT, site) + stats_site(POINT, inner);
}

TEST_F(deposit, failure_leaves_nothing)
{
	const bool keeps = variant->err == 0;
	struct verdict v;
	struct stats s;
	long tables, fallbacks, failures;

	/* Prepare the range, and read the counters. */
	leave_empty(self->range);
	variant->prepare(self->range);
	ASSERT_EQ(variant->huge_before, huge_pages(self->range));
	VERDICT_BEGIN(&v, variant->name);
	tables = status_kb("VmPTE");
	fallbacks = vmstat_value("thp_fault_fallback");
	failures = vmstat_value("thp_split_page_failed");

	/* Fail the operation. */
	if (variant->always)
		ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, variant->always ? arm_times(POINT, -1) : arm_nth(POINT, 1));
	EXPECT_EQ(variant->err, variant->operate(self->range));
	ASSERT_EQ(0, disarm(POINT));

	/* The failures must have been at the site. */
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_LE(1, s.injected);
	EXPECT_EQ(variant->always ? s.matched : 1, s.injected);
	EXPECT_EQ(0, s.missed);
	EXPECT_EQ(s.injected, failures_at(variant->site));

	/* The range and the counters must be as before. */
	EXPECT_EQ(variant->huge_failed, huge_pages(self->range));
	EXPECT_EQ(tables + 4 * keeps, status_kb("VmPTE"));
	EXPECT_EQ(fallbacks, vmstat_value("thp_fault_fallback"));
	EXPECT_EQ(failures, vmstat_value("thp_split_page_failed"));
	if (variant->huge_before)
		EXPECT_TRUE(is_intact(self->range, false));
	variant->prepare(self->range);
	verdict_failed(&v, POINT, variant->operation, s.injected);

	/* Repeat it without failures. */
	EXPECT_EQ(0, variant->operate(self->range));
	EXPECT_EQ(variant->huge_after, huge_pages(self->range));
	variant->prepare(self->range);
	EXPECT_EQ(tables, status_kb("VmPTE"));
	verdict_recovered(&v, "the same with success");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
