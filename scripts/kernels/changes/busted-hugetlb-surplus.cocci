// mm/hugetlb.c
// SPDX-License-Identifier: GPL-2.0
// A huge page that cannot be freed goes back to the pool, but not as a surplus page.
@@
expression H, F;
@@
-add_hugetlb_folio(H, F, true)
+add_hugetlb_folio(H, F, false)
