// mm/sparse-vmemmap.c
// SPDX-License-Identifier: GPL-2.0
// The rollback frees the memmap, but leaves its subsections marked as in use.
@@
expression P, N, A, M;
@@
 section_activate(...)
 {
 <...
-section_deactivate(P, N, A, M);
+depopulate_section_memmap(P, N, A, M);
 return ERR_PTR(-ENOMEM);
 ...>
 }
