// SPDX-License-Identifier: GPL-2.0
/*
 * Memory hot-add: no memory for a page table of the direct map of the added range. The
 * direct map is made before any section, by the task in which the bus or the driver adds
 * the memory, mostly a kernel thread.
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
