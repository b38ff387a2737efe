// mm/migrate_device.c
// SPDX-License-Identifier: GPL-2.0
// All pages but the first are reported as not migrated.
@@
identifier i, src;
@@
 migrate_vma_insert_huge_pmd_page(...)
 {
 <...
-for (i = 0; i < HPAGE_PMD_NR; i++)
+for (i = 1; i < HPAGE_PMD_NR; i++)
 	src[i] &= ~MIGRATE_PFN_MIGRATE;
 ...>
 }
