// fs/dax.c fs/proc/task_mmu.c mm/gup.c mm/huge_memory.c mm/memory.c mm/migrate_device.c mm/mprotect.c mm/mremap.c mm/pagewalk.c mm/userfaultfd.c
// SPDX-License-Identifier: GPL-2.0
// The other callers: report the failure, and leave the huge PMD as it was.

// mm/huge_memory.c, mm/memory.c: retry the fault, or fail it with ENOMEM.
@@
@@
 copy_huge_pmd(...)
 {
 <...
-__split_huge_pmd(src_vma, src_pmd, addr, false);
-return -EAGAIN;
+return __split_huge_pmd(src_vma, src_pmd, addr, false) ?: -EAGAIN;
 ...>
 }

@@
identifier f = {do_huge_pmd_wp_page, wp_huge_pmd};
@@
 f(...)
 {
 <...
-__split_huge_pmd(vma, vmf->pmd, vmf->address, false);
+if (__split_huge_pmd(vma, vmf->pmd, vmf->address, false))
+	return VM_FAULT_OOM;
 return VM_FAULT_FALLBACK;
 ...>
 }

// Zapping cannot fail: the PMD at the end of a VMA was split before, and any other (see madvise)
// stays as it is.
@@
@@
 zap_pmd_range(...)
 {
 <...
-if (next - addr != HPAGE_PMD_SIZE)
-	__split_huge_pmd(vma, pmd, addr, false);
-else if
+if (next - addr != HPAGE_PMD_SIZE) {
+	if (__split_huge_pmd(vma, pmd, addr, false)) {
+		addr = next;
+		continue;
+	}
+} else if
 (zap_huge_pmd(tlb, vma, pmd, addr)) { ... }
 ...>
 }

// mm/mprotect.c: stop at the first error, and do not add it to the number of pages.
@@
@@
 change_pmd_range(...)
 {
 <...
-__split_huge_pmd(vma, pmd, addr, false);
+ret = __split_huge_pmd(vma, pmd, addr, false);
+if (ret) {
+	pages = ret;
+	break;
+}
 ...>
 }

@@
identifier f = {change_pud_range, change_p4d_range, change_protection_range};
identifier lower = {change_pmd_range, change_pud_range, change_p4d_range};
expression list es;
@@
 f(...)
 {
 <...
-pages += lower(es);
+ret = lower(es);
+if (ret < 0) {
+	pages = ret;
+	break;
+}
+pages += ret;
 ...>
 }

// mm/mremap.c: move back what was already moved.
@@
@@
 move_page_tables(...)
 {
 <...
-split_huge_pmd(pmc->old, old_pmd, pmc->old_addr);
+if (__split_huge_pmd(pmc->old, old_pmd, pmc->old_addr, false))
+	break;
 ...>
 }

// mm/pagewalk.c
@@
@@
 walk_pmd_range(...)
 {
 <...
-if (walk->vma)
-	split_huge_pmd(walk->vma, pmd, addr);
-else if
+if (walk->vma) {
+	err = __split_huge_pmd(walk->vma, pmd, addr, false);
+	if (err)
+		break;
+} else if
 (pmd_leaf(*pmd) || !pmd_present(*pmd)) continue;
 ...>
 }

// mm/gup.c
@@
@@
 follow_pmd_mask(...)
 {
 <...
-split_huge_pmd(vma, pmd, address);
+if (__split_huge_pmd(vma, pmd, address, false))
+	return ERR_PTR(-ENOMEM);
 ...>
 }

// mm/userfaultfd.c
@@
@@
 move_pages(...)
 {
 <...
-split_huge_pmd(src_vma, src_pmd, src_addr);
+err = __split_huge_pmd(src_vma, src_pmd, src_addr, false);
+if (err)
+	break;
 ...>
 }

// fs/proc/task_mmu.c: remove ranges from the output that could not be write-protected.
@@
@@
 pagemap_scan_thp_entry(...)
 {
 <...
-split_huge_pmd(vma, pmd, start);
+ret = __split_huge_pmd(vma, pmd, start, false);
 pagemap_scan_backout_range(p, start, end);
-return -ENOENT;
+return ret ?: -ENOENT;
 ...>
 }

// fs/dax.c: file mappings need no table.
@@
@@
-split_huge_pmd(vmf->vma, vmf->pmd, vmf->address);
+if (__split_huge_pmd(vmf->vma, vmf->pmd, vmf->address, false))
+	ret = VM_FAULT_OOM;

// mm/migrate_device.c: drop the reference that the split would have dropped.
@@
@@
 migrate_vma_split_unmapped_folio(...)
 {
 <...
 folio_get(folio);
-split_huge_pmd_address(migrate->vma, addr, true);
+ret = split_huge_pmd_address(migrate->vma, addr, true);
+if (ret) {
+	folio_put(folio);
+	return ret;
+}
 ...>
 }

@@
@@
 migrate_vma_insert_page(...)
 {
 <...
-split_huge_pmd(vma, pmdp, addr);
+if (__split_huge_pmd(vma, pmdp, addr, false))
+	goto abort;
 ...>
 }
