// mm/rmap.c
// SPDX-License-Identifier: GPL-2.0
// The table of a folio that no huge PMD maps any more: brought, and forgotten.

@@
@@
 try_to_migrate_one(...)
 {
 <...
-if (pgtable)
-	pte_free(mm, pgtable);
 ...>
 }
