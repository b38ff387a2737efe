// mm/memremap.c
// SPDX-License-Identifier: GPL-2.0
// The reference counter is left to whoever frees the map.
@@
@@
 memremap_pages(...)
 {
 <...
-memunmap_pages(pgmap);
 pgmap->nr_range = nr_range;
 return ERR_PTR(error);
 ...>
 }
