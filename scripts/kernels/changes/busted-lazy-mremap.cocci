// mm/mremap.c
// SPDX-License-Identifier: GPL-2.0
// What could not be split is passed over, as is what was not there; then it is unmapped.

@@
expression list es;
@@
 move_page_tables(...)
 {
 <...
 if (__split_huge_pmd(es))
-	break;
+	continue;
 ...>
 }
