// mm/kasan/quarantine.c
// SPDX-License-Identifier: GPL-2.0
// A freed object returns to its slab at once: each wait for a quarantine to be emptied, one for
// each cache that is shrunk, takes longer than a test may. Until its memory is used again,
// touching it is told all the same.
@@
@@
 kasan_quarantine_put(...)
 {
+return false;
 ...
 }

@@
@@
 kasan_quarantine_remove_cache(...)
 {
+return;
 ...
 }
