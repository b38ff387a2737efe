// mm/rmap.c
// SPDX-License-Identifier: GPL-2.0
// The page table for a folio that is no longer mapped by a huge PMD is leaked.

@@
@@
 try_to_migrate_one(...)
 {
 <...
-if (pgtable)
-	pte_free(mm, pgtable);
 ...>
 }
