// SPDX-License-Identifier: GPL-2.0
/*
 * Memory hot-add: no memory for a part of a section's memmap, so that what was
 * populated before it must be taken down again. A memmap of less than a section,
 * 2 MiB of memory say, is made of single pages, each a call.
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
