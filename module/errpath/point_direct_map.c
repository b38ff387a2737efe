// SPDX-License-Identifier: GPL-2.0
/*
 * Memory hot-add: no memory for a page table of the range's direct map. Before
 * any section of it, and in whatever task the bus or driver adds memory: mostly
 * one of the kernel's own.
 */
#include "point.h"

static struct errpath_function functions[] = {
	{ .symbol = "alloc_low_pages" },
	{}
};

struct errpath_point point_direct_map = {
	.name = "direct_map",
	.functions = functions,
	.default_caller = "stack:init_memory_mapping",
};
