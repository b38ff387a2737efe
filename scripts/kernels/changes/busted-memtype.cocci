// mm/memremap.c
// SPDX-License-Identifier: GPL-2.0
// The memory type of the range stays reserved.
@@
@@
 pagemap_range(...)
 {
 <...
-pfnmap_untrack(...);
 ...>
 }
