// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// The reference to a folio that could not be split is dropped a second time.
@@
identifier folio;
@@
 madvise_free_huge_pmd(...)
 {
 <...
-split_folio(folio);
+if (split_folio(folio))
+	folio_put(folio);
 folio_unlock(folio);
 folio_put(folio);
 goto out_unlocked;
 ...>
 }
