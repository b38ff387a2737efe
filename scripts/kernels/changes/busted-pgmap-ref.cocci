// mm/memremap.c
// SPDX-License-Identifier: GPL-2.0
// A failed memremap_pages() does not unmap, which leaks the reference counter of the map.
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
