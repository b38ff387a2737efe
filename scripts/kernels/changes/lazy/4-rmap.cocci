// mm/rmap.c
// SPDX-License-Identifier: GPL-2.0
// mm/rmap.c: the caller that unmaps a folio allocates the table before it takes page table locks.

@@
@@
 #include <linux/sched/mm.h>
+#include <linux/pgalloc.h>

// Reclaim takes the locks that are held here, and may even be the caller.
@@
typedef bool, pgtable_t;
@@
+static inline pgtable_t split_pgtable_alloc(struct vm_area_struct *vma,
+					     enum ttu_flags flags)
+{
+	unsigned int noreclaim;
+	pgtable_t pgtable;
+
+	if (!(flags & TTU_SPLIT_HUGE_PMD) || !vma_is_anonymous(vma) ||
+	    arch_needs_pgtable_deposit())
+		return NULL;
+	noreclaim = memalloc_noreclaim_save();
+	pgtable = pte_alloc_one(vma->vm_mm);
+	memalloc_noreclaim_restore(noreclaim);
+	return pgtable;
+}
+
 static bool try_to_unmap_one(struct folio *folio, struct vm_area_struct *vma,
			      unsigned long address, void *arg) { ... }

@@
identifier f = {try_to_unmap_one, try_to_migrate_one};
@@
 f(...)
 {
 <...
 enum ttu_flags flags = (enum ttu_flags)(long)arg;
+pgtable_t pgtable = split_pgtable_alloc(vma, flags);
 ...>
 }

@@
identifier f = {try_to_unmap_one, try_to_migrate_one};
expression freeze;
@@
 f(...)
 {
 <...
-split_huge_pmd_locked(vma, pvmw.address, pvmw.pmd, freeze);
+if (split_huge_pmd_locked(vma, pvmw.address, pvmw.pmd, freeze, &pgtable)) {
+	ret = false;
+	page_vma_mapped_walk_done(&pvmw);
+	break;
+}
 ...>
 }

@@
identifier f = {try_to_unmap_one, try_to_migrate_one};
@@
 f(...)
 {
 <...
 mmu_notifier_invalidate_range_end(&range);
+if (pgtable)
+	pte_free(mm, pgtable);
 ...>
 }
