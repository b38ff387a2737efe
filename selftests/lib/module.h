/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_MODULE_H
#define LIB_MODULE_H

#include <stdbool.h>

/*
 * Modules by name, from the directory that ERRPATH_MODULES names (default
 * /modules). Both return 0 or -errno.
 */
int module_load(const char *name, const char *parameters);
int module_unload(const char *name);
bool module_loaded(const char *name);

#endif
