// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// The child's page table is counted before it is allocated.
@@
identifier pgtable, dst_mm;
@@
 copy_huge_pmd(struct mm_struct *dst_mm, ...)
 {
 <...
 pgtable = pte_alloc_one(dst_mm);
+mm_inc_nr_ptes(dst_mm);
 if (unlikely(!pgtable)) goto out;
 ...
-mm_inc_nr_ptes(dst_mm);
 pgtable_trans_huge_deposit(...);
 ...>
 }
