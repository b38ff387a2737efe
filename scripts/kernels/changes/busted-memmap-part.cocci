// mm/sparse-vmemmap.c
// SPDX-License-Identifier: GPL-2.0
// No memmap, so nothing to free, says a rollback of its own; but a part of it may be there.
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
