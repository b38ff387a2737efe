// SPDX-License-Identifier: GPL-2.0
/*
 * Splits of large folios: refused for want of an anon_vma, because somebody
 * seems to hold a reference, or, for a folio that was unmapped first (7.0 on),
 * because its references could not be frozen. Which of the ways a kernel has
 * depends on its version.
 */
#include <linux/errno.h>

#include "point.h"

/* folio_get_anon_vma() also serves migration. */
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
