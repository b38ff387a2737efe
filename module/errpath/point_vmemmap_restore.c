// SPDX-License-Identifier: GPL-2.0
/*
 * HugeTLB: no memory for the memmap that a huge page had given up and needs again when it leaves
 * the pool. The folio stays in the pool as a surplus page. 6.1 has the function with a page.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/hugetlb.h>
#include <linux/mm_types.h>

#include "point.h"

/* int (const struct hstate *, struct folio *, ...) */
enum { ARG_FOLIO = 1 };

/* The function returns 0 for a folio that has all of its memmap: it allocates nothing. */
static bool is_optimized(struct arch_regs *regs)
{
#ifdef CONFIG_HUGETLB_PAGE
	const struct page *head = (void *)intercept_arg(regs, ARG_FOLIO);

	return test_bit(HPG_vmemmap_optimized, &head->private);
#else
	return false;
#endif
}

static struct errpath_function functions[] = {
	{
		.symbol = "__hugetlb_vmemmap_restore_folio",
		.match = is_optimized,
		.returns = -ENOMEM,
	},
	{
		.symbol = "hugetlb_vmemmap_restore",
		.match = is_optimized,
		.returns = -ENOMEM,
	},
	{}
};

struct errpath_point point_vmemmap_restore = {
	.name = "vmemmap_restore",
	.functions = functions,
};
