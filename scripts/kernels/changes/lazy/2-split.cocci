// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// mm/huge_memory.c: allocate the page table of a huge PMD when it is split.

@@
typedef bool, pmd_t, pgtable_t, pte_t, spinlock_t;
@@
 static void __split_huge_zero_page_pmd(
 	struct vm_area_struct *vma, unsigned long haddr,
-	pmd_t *pmd
+	pmd_t *pmd, pgtable_t pgtable
 	) {
 ...
-pgtable_t pgtable;
 ...
 }

@@
@@
 static void __split_huge_pmd_locked(
 	struct vm_area_struct *vma, pmd_t *pmd, unsigned long haddr,
-	bool freeze
+	bool freeze, pgtable_t pgtable
 	) {
 ...
-pgtable_t pgtable;
 ...
 }

@@
@@
 return __split_huge_zero_page_pmd(vma, haddr, pmd
+	, pgtable
 	);

@@
identifier f = {__split_huge_zero_page_pmd, __split_huge_pmd_locked};
@@
 f(...)
 {
 <...
-pgtable = pgtable_trans_huge_withdraw(mm, pmd);
+if (arch_needs_pgtable_deposit())
+	pgtable = pgtable_trans_huge_withdraw(mm, pmd);
+else
+	mm_inc_nr_ptes(mm);
 ...>
 }

// Only anonymous memory needs a table: any other PMD is just cleared.
@@
@@
+atomic_long_t thp_split_pmd_failed;
+
+static bool split_needs_pgtable(struct vm_area_struct *vma)
+{
+	return vma_is_anonymous(vma) && !arch_needs_pgtable_deposit();
+}
+
+/*
+ * If the split needs a table, take *pgtable and set it to NULL. Return 0, or -ENOMEM if
+ * there is none; then nothing is changed.
+ */
-void
+int
 split_huge_pmd_locked(struct vm_area_struct *vma, unsigned long address,
-		       pmd_t *pmd, bool freeze
+		       pmd_t *pmd, bool freeze, pgtable_t *pgtable
 		       )
 {
 ...
-if (pmd_trans_huge(*pmd) || pmd_is_valid_softleaf(*pmd))
-	__split_huge_pmd_locked(vma, pmd, address, freeze);
+if (!pmd_trans_huge(*pmd) && !pmd_is_valid_softleaf(*pmd))
+	return 0;
+if (!split_needs_pgtable(vma)) {
+	__split_huge_pmd_locked(vma, pmd, address, freeze, NULL);
+	return 0;
+}
+if (!*pgtable) {
+	atomic_long_inc(&thp_split_pmd_failed);
+	return -ENOMEM;
+}
+__split_huge_pmd_locked(vma, pmd, address, freeze, xchg(pgtable, NULL));
+return 0;
 }

// A PMD that was not huge before the table was allocated needs no split, even if it is now.
@@
identifier ptl, range;
@@
-void
+int
 __split_huge_pmd(struct vm_area_struct *vma, pmd_t *pmd, unsigned long address,
 		  bool freeze)
 {
 	spinlock_t *ptl;
 	struct mmu_notifier_range range;
+	pgtable_t pgtable = NULL;
+	int err;

+	if (!pmd_is_huge(pmdp_get_lockless(pmd)))
+		return 0;
+	if (split_needs_pgtable(vma))
+		pgtable = pte_alloc_one(vma->vm_mm);
 ...
-	split_huge_pmd_locked(vma, range.start, pmd, freeze);
+	err = split_huge_pmd_locked(vma, range.start, pmd, freeze, &pgtable);
 ...
 	mmu_notifier_invalidate_range_end(&range);
+	if (pgtable)
+		pte_free(vma->vm_mm, pgtable);
+	return err;
 }

@@
@@
-void
+int
 split_huge_pmd_address(struct vm_area_struct *vma, unsigned long address,
 			bool freeze)
 {
 ...
 	if (!pmd)
-		return;
+		return 0;
-	__split_huge_pmd(vma, pmd, address, freeze);
+	return __split_huge_pmd(vma, pmd, address, freeze);
 }

@@
@@
-static inline void
+static inline int
 split_huge_pmd_if_needed(struct vm_area_struct *vma, unsigned long address)
 {
 if (...)
-	split_huge_pmd_address(vma, address, false);
+	return split_huge_pmd_address(vma, address, false);
+return 0;
 }

@@
@@
-void
+int
 vma_adjust_trans_huge(...)
 {
-	split_huge_pmd_if_needed(vma, start);
+	int err = split_huge_pmd_if_needed(vma, start);
+	if (err)
+		return err;
 ...
-	split_huge_pmd_if_needed(vma, end);
+	err = split_huge_pmd_if_needed(vma, end);
+	if (err)
+		return err;
 ...
 if (next)
-	split_huge_pmd_if_needed(next, end);
+	return split_huge_pmd_if_needed(next, end);
+return 0;
 }
