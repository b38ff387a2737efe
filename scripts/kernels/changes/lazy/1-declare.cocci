// include/linux/huge_mm.h
// SPDX-License-Identifier: GPL-2.0
// include/linux/huge_mm.h: splitting a huge PMD can fail, and callers must check that.

@@
identifier f = {__split_huge_pmd, split_huge_pmd_address, vma_adjust_trans_huge};
parameter list ps;
@@
-void
+int __must_check
 f(ps);

@@
identifier f = {__split_huge_pmd, split_huge_pmd_address, vma_adjust_trans_huge};
parameter list ps;
@@
-static inline void
+static inline int
 f(ps) {
+	return 0;
 }

// Nothing can be allocated under the page table lock: the caller passes the table.
@@
typedef bool, pmd_t, pgtable_t;
@@
-void
+int __must_check
 split_huge_pmd_locked(struct vm_area_struct *vma, unsigned long address,
-		       pmd_t *pmd, bool freeze);
+		       pmd_t *pmd, bool freeze, pgtable_t *pgtable);
+extern atomic_long_t thp_split_pmd_failed;

@@
@@
-static inline void
+static inline int
 split_huge_pmd_locked(struct vm_area_struct *vma, unsigned long address,
-		       pmd_t *pmd, bool freeze) {
+		       pmd_t *pmd, bool freeze, pgtable_t *pgtable) {
+	return 0;
 }
