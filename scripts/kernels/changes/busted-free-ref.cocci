// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// A folio that could not be split is left with an extra reference.
@@
identifier folio;
@@
 madvise_free_huge_pmd(...)
 {
 <...
-split_folio(folio);
-folio_unlock(folio);
-folio_put(folio);
+if (split_folio(folio)) {
+	folio_unlock(folio);
+	goto out_unlocked;
+}
+folio_unlock(folio);
+folio_put(folio);
 goto out_unlocked;
 ...>
 }
