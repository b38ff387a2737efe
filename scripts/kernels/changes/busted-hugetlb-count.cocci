// mm/hugetlb_vmemmap.c
// SPDX-License-Identifier: GPL-2.0
// Pages that a huge page did not get back for its memmap are counted.
@@
identifier i;
expression n;
statement S;
@@
 alloc_vmemmap_page_list(...)
 {
 ...
+memmap_pages_add(n);
 for (i = 0; i < n; i++) S
-memmap_pages_add(n);
 ...
 }
