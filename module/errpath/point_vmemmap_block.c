// SPDX-License-Identifier: GPL-2.0
/*
 * Memory hot-add: no memory for a part of a section's memmap, so that the kernel must
 * remove the parts before it. The memmap of less than a section, for example of 2 MiB of
 * memory, consists of single pages, with one call for each.
 */
#include "point.h"

static struct errpath_function functions[] = {
	{ .symbol = "vmemmap_alloc_block" },
	{}
};

struct errpath_point point_vmemmap_block = {
	.name = "vmemmap_block",
	.functions = functions,
};
