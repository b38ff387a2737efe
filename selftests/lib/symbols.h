/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_SYMBOLS_H
#define LIB_SYMBOLS_H

#include <stdbool.h>

/* A function of /proc/kallsyms; @module is "" for one of the kernel's image. */
struct symbol {
	unsigned long address;
	const char *name;
	const char *module;
};

/*
 * Calls @take for each function, in the order of the file, until it returns false.
 * Returns 0 or -errno.
 */
int symbols_each(bool (*take)(const struct symbol *symbol, void *data), void *data);

/*
 * Finds the address of the function @name, and its end, which is the address of the next function.
 * Returns 0 or -errno.
 */
int symbol_find_text(const char *name, unsigned long *start, unsigned long *end);

/*
 * Finds the addresses of @nr variables of the kernel's image; 0: there is none of this name
 * (CONFIG_KALLSYMS_ALL), or this process may not see addresses. Returns 0 or -errno.
 */
int symbols_find_variables(const char *const *names, unsigned long *addresses, int nr);

#endif
