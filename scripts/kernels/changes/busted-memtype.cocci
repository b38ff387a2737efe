// mm/memremap.c
// SPDX-License-Identifier: GPL-2.0
// The range's memory type stays reserved.
@@
@@
 pagemap_range(...)
 {
 <...
-pfnmap_untrack(...);
 ...>
 }
