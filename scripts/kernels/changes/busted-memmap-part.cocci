// mm/sparse-vmemmap.c
// SPDX-License-Identifier: GPL-2.0
// This rollback assumes that without a memmap there is nothing to free, but it may be populated
// in part.
@@
expression P, N, A, M;
@@
 section_activate(...)
 {
 <...
-section_deactivate(P, N, A, M);
+clear_subsection_map(P, N);
+memmap_pages_add(-section_nr_vmemmap_pages(P, N, A, M));
+if (usage) {
+	ms->usage = NULL;
+	kfree(usage);
+}
 return ERR_PTR(-ENOMEM);
 ...>
 }
