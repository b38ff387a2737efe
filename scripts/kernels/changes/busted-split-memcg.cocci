// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// The memory cgroup of a folio that has no anon_vma keeps a reference.
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
