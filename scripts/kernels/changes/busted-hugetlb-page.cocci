// mm/hugetlb.c
// SPDX-License-Identifier: GPL-2.0
// A huge page that does not get its memmap back does not return to the pool.
@@
expression H, F;
@@
 bulk_vmemmap_restore_error(...)
 {
 <...
-add_hugetlb_folio(H, F, true);
 ...>
 }
