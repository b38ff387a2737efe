// SPDX-License-Identifier: GPL-2.0
/* Transparent huge pages: made by a fault, a fork and a collapse, and split by system calls. */
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "lib/sweep.h"
#include "lib/thp.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25	/* since 6.1 */
#endif
#define SEED 1
#define PART (4 * 4096UL)	/* bytes of a huge page that are split off */

static char *mem;
static int mapped;		/* size of mem in huge pages */

/* Replaces mem by a new mapping of @n huge pages that are not populated. */
static int map(int n)
{
	if (mem)
		thp_unmap(mem, mapped);
	mem = thp_map(n);
	mapped = n;
	return mem ? 0 : -ENOMEM;
}

static int prepare(void)
{
	return thp_hold_khugepaged(true);
}

/* Replaces mem by @n populated huge pages. */
static int make(int n)
{
	int err = map(n);

	if (!err)
		pattern_fill(mem, n * thp_size(), SEED);
	return err;
}

static bool intact(int n)
{
	return !pattern_wrong(mem, n * thp_size(), SEED);
}

/* A fault. */

static int setup_fault(void)
{
	return map(2);
}

static int run_fault(struct sweep_run *r)
{
	int err = sweep_call(r, "populate", madvise(mem, thp_size(), MADV_POPULATE_WRITE));

	mem[thp_size()] = 1;
	return err ?: sweep_expect(r, is_zero(mem, thp_size()), "memory is zero");
}

SWEEP_OPERATION(thp_fault) = {
	.name = "thp_fault",
	.what = "faults that make huge pages, by madvise(MADV_POPULATE_WRITE) and by touch",
	.unavailable = thp_unavailable,
	.prepare = prepare,
	.setup = setup_fault,
	.run = run_fault,
};

/* A fork. */

#define FORKED 4

static int setup_fork(void)
{
	return make(FORKED);
}

static int run_fork(struct sweep_run *r)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		_exit(!intact(FORKED));
	if (sweep_call(r, "fork", pid) < 0)
		return -1;
	waitpid(pid, &status, 0);
	return sweep_expect(r, !status, "the child sees the data");
}

SWEEP_OPERATION(thp_fork) = {
	.name = "thp_fork",
	.what = "fork() of a process with huge pages",
	.unavailable = thp_unavailable,
	.prepare = prepare,
	.setup = setup_fork,
	.run = run_fork,
	.scope = "stack:kernel_clone",
};

/* A collapse. */

static int setup_collapse(void)
{
	if (map(1) || madvise(mem, thp_size(), MADV_NOHUGEPAGE))
		return -ENOMEM;
	pattern_fill(mem, thp_size(), SEED);
	return madvise(mem, thp_size(), MADV_HUGEPAGE) ? -errno : 0;
}

static int run_collapse(struct sweep_run *r)
{
	sweep_call(r, "collapse", madvise(mem, thp_size(), MADV_COLLAPSE));
	return sweep_expect(r, intact(1), "data intact");
}

SWEEP_OPERATION(thp_collapse) = {
	.name = "thp_collapse",
	.what = "madvise(MADV_COLLAPSE) of small pages",
	.unavailable = thp_unavailable,
	.prepare = prepare,
	.setup = setup_collapse,
	.run = run_collapse,
	.scope = "stack:do_madvise",
};

/* Splits: each system call splits another huge page, by its work on a part of it. */

static long by_mprotect(char *part)
{
	return mprotect(part, PART, PROT_READ);
}

static long by_munmap(char *part)
{
	return munmap(part, PART);
}

static long by_mmap(char *part)
{
	return mmap(part, PART, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	       MAP_FAILED ? -1 : 0;
}

static long by_mremap(char *part)
{
	return mremap(part, PART, PART, MREMAP_MAYMOVE | MREMAP_DONTUNMAP) == MAP_FAILED ? -1 : 0;
}

static long by_mlock(char *part)
{
	return mlock(part, PART);
}

static long by_mbind(char *part)
{
	unsigned long nodes = 1;

	return syscall(SYS_mbind, part, PART, MPOL_BIND, &nodes, 8, MPOL_MF_MOVE);
}

static long by_dontneed(char *part)
{
	return madvise(part, PART, MADV_DONTNEED);
}

static long by_free(char *part)
{
	return madvise(part, PART, MADV_FREE);
}

static long by_cold(char *part)
{
	return madvise(part, PART, MADV_COLD);
}

static long by_dontfork(char *part)
{
	return madvise(part, PART, MADV_DONTFORK);
}

static const struct {
	const char *name;
	long (*split)(char *part);
	bool takes_away;	/* the part is no longer mapped, or has no content */
} splits[] = {
	{ .name = "mprotect", .split = by_mprotect },
	{ .name = "munmap", .split = by_munmap, .takes_away = true },
	{ .name = "mmap", .split = by_mmap, .takes_away = true },
	{ .name = "mremap", .split = by_mremap, .takes_away = true },
	{ .name = "mlock", .split = by_mlock },
	{ .name = "mbind", .split = by_mbind },
	{ .name = "MADV_DONTNEED", .split = by_dontneed, .takes_away = true },
	{ .name = "MADV_FREE", .split = by_free, .takes_away = true },
	{ .name = "MADV_COLD", .split = by_cold },
	{ .name = "MADV_DONTFORK", .split = by_dontfork },
};

/* The expected content, in small pages that cannot be split. */
static char *reference;

static int map_reference(void)
{
	size_t size = ARRAY_SIZE(splits) * thp_size();

	if (reference)
		return 0;
	reference = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return reference == MAP_FAILED || madvise(reference, size, MADV_NOHUGEPAGE) ? -ENOMEM : 0;
}

static int setup_splits(void)
{
	int err = map_reference();

	if (err)
		return err;
	pattern_fill(reference, ARRAY_SIZE(splits) * thp_size(), SEED);
	return make(ARRAY_SIZE(splits));
}

/* Each part is of the huge zero page. */
static int setup_zero_splits(void)
{
	size_t size = ARRAY_SIZE(splits) * thp_size();
	int err = map_reference() ?: map(ARRAY_SIZE(splits));

	if (err)
		return err;
	memset(reference, 0, size);
	return madvise(mem, size, MADV_POPULATE_READ) ? -errno : 0;
}

/* True if the parts of page @i that were not taken away have their content. */
static bool rest_is_intact(size_t i)
{
	size_t at = i * thp_size(), behind = at + (splits[i].takes_away ? 2 * PART : 0);

	for (; at < (i + 1) * thp_size(); at += 4096) {
		bool taken = at >= i * thp_size() + PART && at < behind;

		if (!taken && mem[at] != reference[at])
			return false;
	}
	return true;
}

static int run_splits(struct sweep_run *r)
{
	int err, first = 0;

	for (size_t i = 0; i < ARRAY_SIZE(splits); i++) {
		err = sweep_call(r, splits[i].name, splits[i].split(mem + i * thp_size() + PART));
		first = first ?: err;
		sweep_expect(r, rest_is_intact(i), splits[i].name);
	}
	return first;
}

SWEEP_OPERATION(thp_split) = {
	.name = "thp_split",
	.what = "system calls on a part of a huge page, which split it",
	.unavailable = thp_unavailable,
	.prepare = prepare,
	.setup = setup_splits,
	.run = run_splits,
};

SWEEP_OPERATION(zero_split) = {
	.name = "zero_split",
	.what = "system calls on a part of the huge zero page, which split it",
	.unavailable = thp_unavailable,
	.prepare = prepare,
	.setup = setup_zero_splits,
	.run = run_splits,
};
