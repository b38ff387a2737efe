// SPDX-License-Identifier: GPL-2.0
/*
 * Memory hot-add: no memory for a section's memmap. The compiler can inline
 * section_activate(); then the caller is sparse_add_section().
 */
#include "point.h"

static struct errpath_function functions[] = {
	{ .symbol = "__populate_section_memmap" },
	{}
};

struct errpath_point point_section_activate = {
	.name = "section_activate",
	.functions = functions,
	.default_caller = "sparse_add_section section_activate",
	.wrappers = "populate_section_memmap",
};
