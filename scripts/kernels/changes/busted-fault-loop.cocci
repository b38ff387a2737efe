// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// No page table for the huge zero page is taken for a race: the fault is tried again, for ever.
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
