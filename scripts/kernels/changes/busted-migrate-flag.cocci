// mm/migrate_device.c
// SPDX-License-Identifier: GPL-2.0
// A huge page that could not be split is reported as migrated.
@@
expression i;
@@
 __migrate_device_pages(...)
 {
 <...
 if (migrate_vma_split_unmapped_folio(...)) {
-	src_pfns[i] &= ~(MIGRATE_PFN_MIGRATE | MIGRATE_PFN_COMPOUND);
+	src_pfns[i] &= ~MIGRATE_PFN_COMPOUND;
 goto next;
 }
 ...>
 }
