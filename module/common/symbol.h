/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_SYMBOL_H
#define ERRPATH_SYMBOL_H

#include <linux/types.h>

int symbol_address(const char *name, unsigned long *addr);
int symbol_addresses(const char * const names[], unsigned long addrs[], unsigned int n);
int symbol_start(const char *name, unsigned long *start);
int symbol_check_function(const char *name);

#endif /* ERRPATH_SYMBOL_H */
