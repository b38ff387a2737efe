// mm/migrate_device.c
// SPDX-License-Identifier: GPL-2.0
// Change 2 as it must not be: a split that failed has not dropped the reference.

@@
@@
 migrate_vma_split_unmapped_folio(...)
 {
 <...
-folio_put(folio);
 return ret;
 ...>
 }
