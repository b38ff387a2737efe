// mm/sparse-vmemmap.c
// SPDX-License-Identifier: GPL-2.0
// What could not be populated is not counted; the rollback deducts it all the same.
@@
expression E;
identifier page;
@@
 populate_section_memmap(...)
 {
 ...
+if (page)
 memmap_pages_add(E);
 ...
 return page;
 }
