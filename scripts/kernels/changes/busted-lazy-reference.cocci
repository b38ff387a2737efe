// mm/migrate_device.c
// SPDX-License-Identifier: GPL-2.0
// A wrong variant of change 2: a failed split has not dropped the reference.

@@
@@
 migrate_vma_split_unmapped_folio(...)
 {
 <...
-folio_put(folio);
 return ret;
 ...>
 }
