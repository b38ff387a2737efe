// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// A huge page whose page table cannot be allocated is leaked.
@@
@@
 __do_huge_pmd_anonymous_page(...)
 {
 ...
 if (unlikely(!pgtable)) {
-	ret = VM_FAULT_OOM;
-	goto release;
+	return VM_FAULT_OOM;
 }
 ...
 }
