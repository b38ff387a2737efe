// mm/migrate_device.c
// SPDX-License-Identifier: GPL-2.0
// A page for which there is no page table is told as migrated.
@@
@@
 migrate_vma_insert_page(...)
 {
 <...
 if (pte_alloc(...))
-	goto abort;
+	return;
 ...>
 }
