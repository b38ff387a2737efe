// mm/sparse-vmemmap.c
// SPDX-License-Identifier: GPL-2.0
// Out of memory is told as something else.
@@
@@
 section_activate(...)
 {
 ...
 memmap = populate_section_memmap(...);
 if (!memmap) {
 ...
-return ERR_PTR(-ENOMEM);
+return ERR_PTR(-ENXIO);
 }
 ...
 }
