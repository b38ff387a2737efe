// mm/khugepaged.c
// SPDX-License-Identifier: GPL-2.0
// A collapse deposits a page table as before, although nothing withdraws it.

@@
@@
 collapse_huge_page(...)
 {
 <...
-if (arch_needs_pgtable_deposit()) {
 	pgtable_trans_huge_deposit(mm, pmd, pgtable);
-} else { ... }
 ...>
 }
