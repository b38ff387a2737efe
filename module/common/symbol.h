/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_SYMBOL_H
#define ERRPATH_SYMBOL_H

#include <linux/types.h>

/* Compilers split and clone functions: foo, foo.isra.0, foo.cold are one to a user. */
#define SYMBOL_MAX_PARTS	4

struct text_range {
	unsigned long start;
	unsigned long end;
};

static __always_inline bool text_range_has(const struct text_range *range, unsigned long addr)
{
	return addr - range->start < range->end - range->start;
}

int symbol_address(const char *name, unsigned long *addr);
int symbol_ranges(const char *name, struct text_range ranges[SYMBOL_MAX_PARTS]);

#endif /* ERRPATH_SYMBOL_H */
