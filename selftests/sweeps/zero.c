// SPDX-License-Identifier: GPL-2.0
/* The huge zero page: made by a read fault, written to, copied by fork(2), and migrated. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/migrate.h"
#include "lib/module.h"
#include "lib/sweep.h"
#include "lib/thp.h"

#define USE_ZERO_PAGE "/sys/kernel/mm/transparent_hugepage/use_zero_page"
#define FORKED 4

static char *mem;
static int mapped;		/* size of mem in huge pages */

static const char *no_huge_zero_page(void)
{
	char text[16];

	if (thp_unavailable())
		return thp_unavailable();
	if (file_read(USE_ZERO_PAGE, text, sizeof(text)) < 0 || *text != '1')
		return "the huge zero page is off (use_zero_page in sysfs)";
	return NULL;
}

static int prepare(void)
{
	return thp_hold_khugepaged(true);
}

/* Replaces mem by a new mapping of @n huge pages that are not populated. */
static int map(int n)
{
	if (mem)
		thp_unmap(mem, mapped);
	mem = thp_map(n);
	mapped = n;
	return mem ? 0 : -ENOMEM;
}

/* Replaces mem by a new mapping of @n huge pages that were read. */
static int map_read(int n)
{
	int err = map(n);

	return err ?: madvise(mem, n * thp_size(), MADV_POPULATE_READ) ? -errno : 0;
}

/* The read fault. */

/* The shrinker frees the page, so that the fault makes it anew. */
static int setup_fault(void)
{
	int err = file_write("/proc/sys/vm/drop_caches", "2");

	return err ?: map(2);
}

static int run_fault(struct sweep_run *r)
{
	int err = sweep_call(r, "populate", madvise(mem, thp_size(), MADV_POPULATE_READ));

	sweep_expect(r, is_zero(mem + thp_size(), 1), "memory is zero by touch");
	return err ?: sweep_expect(r, is_zero(mem, thp_size()), "memory is zero");
}

SWEEP_OPERATION(zero_fault) = {
	.name = "zero_fault",
	.what = "read faults that make the huge zero page, by MADV_POPULATE_READ and by touch",
	.unavailable = no_huge_zero_page,
	.prepare = prepare,
	.setup = setup_fault,
	.run = run_fault,
};

/* Copy on write. */

static int setup_read(void)
{
	return map_read(2);
}

/* The first page by a system call, which reports the error; the second one by touch. */
static int run_cow(struct sweep_run *r)
{
	int err = sweep_call(r, "populate", madvise(mem, thp_size(), MADV_POPULATE_WRITE));

	mem[thp_size()] = 1;
	sweep_expect(r, mem[thp_size()] == 1 && is_zero(mem + thp_size() + 1, thp_size() - 1),
		     "the written page is zero but for its first byte");
	return err ?: sweep_expect(r, is_zero(mem, thp_size()), "memory is zero");
}

SWEEP_OPERATION(zero_cow) = {
	.name = "zero_cow",
	.what = "writes to memory that has the huge zero page, by MADV_POPULATE_WRITE and by touch",
	.unavailable = no_huge_zero_page,
	.prepare = prepare,
	.setup = setup_read,
	.run = run_cow,
};

/* A fork. */

static int setup_fork(void)
{
	return map_read(FORKED);
}

static int run_fork(struct sweep_run *r)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		_exit(!is_zero(mem, FORKED * thp_size()));
	if (sweep_call(r, "fork", pid) < 0)
		return -1;
	waitpid(pid, &status, 0);
	return sweep_expect(r, !status, "the child sees zeroes");
}

SWEEP_OPERATION(zero_fork) = {
	.name = "zero_fork",
	.what = "fork() of a process that has the huge zero page",
	.unavailable = no_huge_zero_page,
	.prepare = prepare,
	.setup = setup_fork,
	.run = run_fork,
	.scope = "stack:kernel_clone",
};

/* Migration. */

static int prepare_migration(void)
{
	int err = module_loaded("errpath_migrate") ? 0 : module_load("errpath_migrate", "");

	return err ?: prepare();
}

static const char *no_migration(void)
{
	if (no_huge_zero_page())
		return no_huge_zero_page();
	return prepare_migration() ? "no errpath_migrate.ko for this kernel" : NULL;
}

/* Migrates huge page @at. */
static int migrate_one(struct sweep_run *r, int at, const char *step, const char *how)
{
	char *start = mem + at * thp_size();
	struct migration m;
	int err = sweep_step(r, step, migrate(start, thp_size(), how, &m));

	sweep_expect(r, is_zero(start, thp_size()), step);
	return err;
}

static int run_migration(struct sweep_run *r)
{
	int err = migrate_one(r, 0, "to small pages", "system 4k"), huge = 0;

	if (migrate_can("2m"))
		huge = migrate_one(r, 1, "to a huge page", "system 2m");
	return huge ?: err;
}

SWEEP_OPERATION(zero_migrate) = {
	.name = "zero_migrate",
	.what = "migrate_vma_*() of the huge zero page to small pages, and to a huge page",
	.unavailable = no_migration,
	.setup = setup_read,
	.prepare = prepare,
	.run = run_migration,
	.scope = "stack:errpath_migrate:migrate_write",
};
