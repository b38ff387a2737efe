// SPDX-License-Identifier: GPL-2.0
/*
 * HugeTLB: no memory for the page table by which the memmap of a huge page is split into small
 * pages, so that it could be given up. The folio keeps its memmap.
 */
#include <linux/errno.h>

#include "point.h"

/* The function also restores a memmap. */
#define OPTIMIZERS	"stack:hugetlb_vmemmap_optimize stack:hugetlb_vmemmap_optimize_folio " \
			"stack:hugetlb_vmemmap_optimize_folios"

static struct errpath_function functions[] = {
	{ .symbol = "vmemmap_remap_range", .returns = -ENOMEM },
	{}
};

struct errpath_point point_vmemmap_optimize = {
	.name = "vmemmap_optimize",
	.functions = functions,
	.default_caller = OPTIMIZERS,
};
