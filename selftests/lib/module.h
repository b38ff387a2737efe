/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_MODULE_H
#define LIB_MODULE_H

#include <stdbool.h>

/*
 * Load a module by its name from the directory in ERRPATH_MODULES (default /modules), or if that
 * does not have it, as modprobe does; or unload it. Return 0 or -errno.
 */
int module_load(const char *name, const char *parameters);
int module_unload(const char *name);
/* Returns whether there is a module of this name to load. */
bool module_exists(const char *name);
/* Returns whether the module is loaded. */
bool module_loaded(const char *name);

#endif
