// mm/migrate_device.c
// SPDX-License-Identifier: GPL-2.0
// A folio that could not be split keeps its lock and a reference.
@@
identifier ret, folio, fault_folio;
@@
 migrate_vma_collect_huge_pmd(...)
 {
 <...
 ret = split_folio(folio);
-if (fault_folio != folio)
-	folio_unlock(folio);
-folio_put(folio);
-if (ret)
-	return migrate_vma_collect_skip(start, end, walk);
+if (ret)
+	return migrate_vma_collect_skip(start, end, walk);
+if (fault_folio != folio)
+	folio_unlock(folio);
+folio_put(folio);
 ...>
 }
