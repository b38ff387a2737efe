// mm/sparse-vmemmap.c
// SPDX-License-Identifier: GPL-2.0
// A lack of memory is reported as another error.
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
