/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_SCOPE_FUNCTIONS_H
#define ERRPATH_SCOPE_FUNCTIONS_H

#include <linux/types.h>

#define SCOPE_FUNCTIONS_MAX	16	/* that share a name */

/**
 * struct scope_function - a function that a name selects
 * @addr: its first instruction, after any ENDBR
 * @traceable: a kprobe on it uses ftrace
 */
struct scope_function {
	unsigned long addr;
	bool traceable;
};

int scope_functions_find(const char *module, const char *name,
			 struct scope_function functions[SCOPE_FUNCTIONS_MAX]);
void scope_functions_forget(void);
int scope_functions_self_probe(void);

#endif /* ERRPATH_SCOPE_FUNCTIONS_H */
