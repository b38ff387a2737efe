// mm/sparse-vmemmap.c
// SPDX-License-Identifier: GPL-2.0
// Pages that could not be populated are not counted, but the rollback still subtracts them.
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
