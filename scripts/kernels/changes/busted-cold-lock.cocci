// mm/madvise.c
// SPDX-License-Identifier: GPL-2.0
// A folio that could not be split stays locked.
@@
identifier err, folio;
@@
 madvise_cold_or_pageout_pte_range(...)
 {
 <...
 err = split_folio(folio);
+if (!err)
 folio_unlock(folio);
 folio_put(folio);
 ...>
 }
