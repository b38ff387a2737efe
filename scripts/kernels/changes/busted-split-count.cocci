// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// A split that is refused early is not counted.
@@
identifier ret;
@@
 __folio_split(...)
 {
 <...
 ret = folio_check_splittable(...);
 if (ret) {
 ...
-goto out_no_memcg;
+return ret;
 }
 ...>
 }
