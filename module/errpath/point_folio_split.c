// SPDX-License-Identifier: GPL-2.0
/*
 * Splits of large folios fail: the folio has no anon_vma, seems to have additional
 * references, or, if it was unmapped first (from 7.0 on), its references cannot be
 * frozen. Each kernel has some of these functions.
 */
#include <linux/errno.h>

#include "point.h"

/* Needed, because migration also calls folio_get_anon_vma(). */
#define SPLITTERS	"split_huge_page_to_list split_huge_page_to_list_to_order " \
			"__split_huge_page_to_list_to_order __folio_split folio_split " \
			"migrate_vma_split_unmapped_folio __migrate_device_pages"

static struct errpath_function functions[] = {
	{ .symbol = "folio_get_anon_vma" },
	{ .symbol = "can_split_folio" },
	{ .symbol = "folio_check_splittable", .returns = -EBUSY },
	{ .symbol = "folio_split_unmapped", .returns = -EAGAIN },
	{}
};

struct errpath_point point_folio_split = {
	.name = "folio_split",
	.functions = functions,
	.default_caller = SPLITTERS,
};
