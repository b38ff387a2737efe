// mm/mremap.c
// SPDX-License-Identifier: GPL-2.0
// A PMD that could not be split is skipped like an empty one, and then unmapped.

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
