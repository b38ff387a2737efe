// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// A huge page for which there is no page table is lost.
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
