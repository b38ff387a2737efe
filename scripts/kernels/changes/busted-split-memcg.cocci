// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// For a folio without anon_vma, a reference to its memory cgroup is leaked.
@@
identifier anon_vma, ret;
@@
 __folio_split(...)
 {
 <...
 if (!anon_vma) {
 ret = -EBUSY;
-goto out;
+set_active_memcg(old_memcg);
+goto out_no_memcg;
 }
 ...>
 }
