// mm/migrate_device.c
// SPDX-License-Identifier: GPL-2.0
// A page whose page table could not be allocated is reported as migrated.
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
