// SPDX-License-Identifier: GPL-2.0
/*
 * Transparent huge pages: no memory for the page table that a split of a huge PMD needs.
 * Stock kernels deposit the table when they make the PMD, so that a split cannot fail: on
 * these the deposit fails. Kernels that allocate the table at the split fail at the split,
 * below wrappers that many functions call.
 */
#include "point.h"

/* If the compiler inlines the first function of a pair in the second, that is the caller. */
#define DEPOSITS	"__do_huge_pmd_anonymous_page do_huge_pmd_anonymous_page copy_huge_pmd " \
			"migrate_vma_insert_huge_pmd_page __migrate_device_pages "

#define SPLITS_BY_USERS	"vma_adjust_trans_huge move_page_tables unmap_page_range __zap_vma_range "
#define SPLITS_BY_PTES	"do_huge_pmd_wp_page change_protection move_pages walk_pgd_range " \
			"userfaultfd_ioctl pagemap_scan_pmd_entry "
#define SPLITS_BY_MM	"try_to_migrate_one try_to_unmap_one migrate_vma_collect_pmd"

#define WRAPPERS	"__split_huge_pmd __split_huge_pmd_locked " \
			"split_huge_pmd_locked split_huge_pmd_address"

static struct errpath_function functions[] = {
	{ .symbol = "pte_alloc_one" },
	{}
};

/* Where it is inlined, the page allocator below it fails instead, for a single page. */
static bool is_one_page(struct arch_regs *regs)
{
	return !intercept_arg(regs, 1);
}

static struct errpath_function page_functions[] = {
	{ .symbol = "alloc_pages", .match = is_one_page },
	{ .symbol = "alloc_pages_noprof", .match = is_one_page },
	{}
};

struct errpath_point point_pmd_split = {
	.name = "pmd_split",
	.functions = ARCH_INLINES_PTE_ALLOC_ONE ? page_functions : functions,
	.default_caller = DEPOSITS SPLITS_BY_USERS SPLITS_BY_PTES SPLITS_BY_MM,
	.wrappers = WRAPPERS,
};
