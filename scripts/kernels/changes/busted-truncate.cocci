// mm/truncate.c
// SPDX-License-Identifier: GPL-2.0
// A folio that cannot be split is removed, including the part that should stay.
@@
identifier folio;
@@
 truncate_inode_partial_folio(...)
 {
 ...
-if (folio_test_dirty(folio))
-	return false;
 truncate_inode_folio(...);
 return true;
 }
