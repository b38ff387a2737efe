// SPDX-License-Identifier: GPL-2.0
/* migrate_vma_*() of a huge page: to other system memory, and to a device and back. */
#include <errno.h>

#include "lib/migrate.h"
#include "lib/module.h"
#include "lib/sweep.h"
#include "lib/thp.h"

#define SEED 1
#define SCOPE "stack:errpath_migrate:migrate_write stack:do_swap_page"

static char *mem;

/* Loads the module unless an earlier run has done so. */
static int prepare(void)
{
	if (!module_loaded("errpath_migrate"))
		return module_load("errpath_migrate", "");
	return 0;
}

static const char *no_device(void)
{
	if (prepare())
		return "no errpath_migrate.ko for this kernel";
	return migrate_can("device") ? NULL :
	       "this kernel has no device memory by folios (before 6.19)";
}

static const char *no_migration(void)
{
	return prepare() ? "no errpath_migrate.ko for this kernel" : NULL;
}

static int setup(void)
{
	if (mem)
		thp_unmap(mem, 1);
	mem = thp_map(1);
	if (!mem)
		return -ENOMEM;
	pattern_fill(mem, thp_size(), SEED);
	return 0;
}

static int move(struct sweep_run *r, const char *step, const char *how)
{
	struct migration m;

	return sweep_step(r, step, migrate(mem, thp_size(), how, &m));
}

static int run_system(struct sweep_run *r)
{
	int err = move(r, "to small pages", "system 4k");

	return err ?: sweep_expect(r, !pattern_wrong(mem, thp_size(), SEED), "data intact");
}

/* Migrates to the device; the comparison then touches the page, which migrates it back. */
static int run_device(struct sweep_run *r)
{
	int err = move(r, "to the device", "device 4k");

	return err ?: sweep_expect(r, !pattern_wrong(mem, thp_size(), SEED), "data intact");
}

SWEEP_OPERATION(migrate_system) = {
	.name = "migrate_system",
	.what = "migrate_vma_*() of a huge page to small pages",
	.unavailable = no_migration,
	.setup = setup,
	.run = run_system,
	.scope = SCOPE,
};

SWEEP_OPERATION(migrate_device) = {
	.name = "migrate_device",
	.what = "migrate_vma_*() of a huge page to device memory, and back by touch",
	.unavailable = no_device,
	.setup = setup,
	.run = run_device,
	.scope = SCOPE,
};
