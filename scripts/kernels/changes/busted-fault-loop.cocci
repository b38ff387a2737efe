// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// A failed page table allocation for the huge zero page is treated as a race: the fault is
// retried forever.
@@
identifier pgtable;
@@
 do_huge_pmd_anonymous_page(...)
 {
 <...
 if (unlikely(!pgtable))
-	return VM_FAULT_OOM;
+	return 0;
 ...>
 }
