/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_SCOPE_FUNCTIONS_H
#define ERRPATH_SCOPE_FUNCTIONS_H

#define SCOPE_FUNCTIONS_MAX	16	/* that share a name */

int scope_functions_find(const char *module, const char *name,
			 unsigned long addrs[SCOPE_FUNCTIONS_MAX]);
void scope_functions_forget(void);
int scope_functions_self_probe(void);

#endif /* ERRPATH_SCOPE_FUNCTIONS_H */
