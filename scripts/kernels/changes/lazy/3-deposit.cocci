// mm/huge_memory.c mm/khugepaged.c mm/migrate_device.c
// SPDX-License-Identifier: GPL-2.0
// mm/huge_memory.c, mm/migrate_device.c, mm/khugepaged.c: deposit page tables only for
// architectures that need them (powerpc's hash MMU).

@@
identifier f = {__do_huge_pmd_anonymous_page, do_huge_pmd_anonymous_page, migrate_vma_insert_huge_pmd_page};
@@
 f(...)
 {
 <...
 pgtable_t pgtable
+	= NULL
 	;
 ...>
 }

@@
identifier f = {__do_huge_pmd_anonymous_page, do_huge_pmd_anonymous_page, copy_huge_pmd, migrate_vma_insert_huge_pmd_page};
expression mm;
statement S;
@@
 f(...)
 {
 <...
-pgtable = pte_alloc_one(mm);
-if (unlikely(!pgtable)) S
+if (arch_needs_pgtable_deposit()) {
+	pgtable = pte_alloc_one(mm);
+	if (unlikely(!pgtable)) S
+}
 ...>
 }

@guarded@
expression mm;
position p;
@@
 if (pgtable)
 	pte_free@p(mm, pgtable);

@@
identifier f = {__do_huge_pmd_anonymous_page, do_huge_pmd_anonymous_page, copy_huge_pmd, migrate_vma_insert_huge_pmd_page};
expression mm;
position p != guarded.p;
@@
 f(...)
 {
 <...
-pte_free@p(mm, pgtable);
+if (pgtable)
+	pte_free(mm, pgtable);
 ...>
 }

@@
identifier f = {__do_huge_pmd_anonymous_page, set_huge_zero_folio, copy_huge_non_present_pmd, copy_huge_pmd, migrate_vma_insert_huge_pmd_page};
expression mm;
@@
 f(...)
 {
 <...
-mm_inc_nr_ptes(mm);
 ...>
 }

@@
identifier f = {__do_huge_pmd_anonymous_page, set_huge_zero_folio, copy_huge_non_present_pmd, copy_huge_pmd, migrate_vma_insert_huge_pmd_page};
expression mm, pmd;
@@
 f(...)
 {
 <...
-pgtable_trans_huge_deposit(mm, pmd, pgtable);
+if (pgtable) {
+	pgtable_trans_huge_deposit(mm, pmd, pgtable);
+	mm_inc_nr_ptes(mm);
+}
 ...>
 }

@@
typedef bool, pmd_t;
@@
-static bool has_deposited_pgtable(struct vm_area_struct *vma, pmd_t pmdval, struct folio *folio) { ... }

@@
@@
-has_deposited_pgtable(...)
+arch_needs_pgtable_deposit()

@@
@@
 __discard_anon_folio_pmd_locked(...)
 {
 <...
-zap_deposited_table(mm, pmdp);
+if (arch_needs_pgtable_deposit())
+	zap_deposited_table(mm, pmdp);
 ...>
 }

@@
expression e;
@@
 pmd_move_must_withdraw(...)
 {
-return e;
+return arch_needs_pgtable_deposit() && e;
 }

@@
@@
-src_pgtable = pgtable_trans_huge_withdraw(mm, src_pmd);
-pgtable_trans_huge_deposit(mm, dst_pmd, src_pgtable);
+if (arch_needs_pgtable_deposit()) {
+	src_pgtable = pgtable_trans_huge_withdraw(mm, src_pmd);
+	pgtable_trans_huge_deposit(mm, dst_pmd, src_pgtable);
+}

// The table of a collapsed range is freed after RCU walkers have left it.
@@
@@
 collapse_huge_page(...)
 {
 <...
-pgtable_trans_huge_deposit(mm, pmd, pgtable);
+if (arch_needs_pgtable_deposit()) {
+	pgtable_trans_huge_deposit(mm, pmd, pgtable);
+} else {
+	mm_dec_nr_ptes(mm);
+	pte_free_defer(mm, pgtable);
+}
 ...>
 }
