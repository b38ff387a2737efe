// mm/sparse-vmemmap.c
// SPDX-License-Identifier: GPL-2.0
// This rollback leaks the section's usage map.
@@
expression P, N, A, M;
@@
 section_activate(...)
 {
 <...
-section_deactivate(P, N, A, M);
+clear_subsection_map(P, N);
+depopulate_section_memmap(P, N, A, M);
+if (usage)
+	ms->usage = NULL;
 return ERR_PTR(-ENOMEM);
 ...>
 }
