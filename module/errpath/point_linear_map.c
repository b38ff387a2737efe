// SPDX-License-Identifier: GPL-2.0
/*
 * Memory hot-add on arm64: no memory for a page table of the linear map of the added range. The
 * function that allocates it is inlined in some kernels, so that the page allocator below it fails.
 */
#include "point.h"

/* The function that calls the page allocator, or those in which it is inlined. */
#define ALLOCATORS	"__pgd_pgtable_alloc pgd_pgtable_alloc pgd_pgtable_alloc_init_mm " \
			"pgd_pgtable_alloc_init_mm_gfp"

static struct errpath_function functions[] = {
	{ .symbol = "__get_free_pages" },
	{ .symbol = "get_free_pages_noprof" },
	{ .symbol = "alloc_pages_noprof" },
	{}
};

struct errpath_point point_linear_map = {
	.name = "linear_map",
	.functions = functions,
	.default_caller = ALLOCATORS,
};
