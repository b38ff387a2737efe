// SPDX-License-Identifier: GPL-2.0
/* Modules that are loaded and unloaded. */
#include <errno.h>
#include <unistd.h>

#include "kselftest.h"
#include "lib/module.h"
#include "loads.h"

#define TRIES 1000
#define PAUSE_US 10000

static const char * const names[] = { "errpath_alloc_twin", "errpath_scope" };

static const char *modules_unavailable(void)
{
	return module_exists(names[0]) ? NULL : "there are no modules to load";
}

static int modules_once(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int err = module_load(names[i], "");

		if (err == -ENOMEM)	/* the load of memory leaves none */
			continue;
		if (!err)
			err = module_unload(names[i]);
		if (err)
			return err;
	}
	return 0;
}

/* The killed process may have left the kernel in the middle of a load. */
static int unload_patiently(const char *name)
{
	int err = -EBUSY;

	for (int i = 0; i < TRIES && err == -EBUSY; i++) {
		err = module_unload(name);
		usleep(PAUSE_US);
	}
	return err == -ENOENT ? 0 : err;
}

static int modules_undo(void)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !err; i++)
		err = unload_patiently(names[i]);
	return err;
}

const struct load load_modules = {
	.name = "modules",
	.unavailable = modules_unavailable,
	.once = modules_once,
	.undo = modules_undo,
};
