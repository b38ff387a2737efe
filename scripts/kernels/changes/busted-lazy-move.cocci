// mm/userfaultfd.c
// SPDX-License-Identifier: GPL-2.0
// UFFDIO_MOVE ends without an error, having moved nothing: try again, for ever.

@@
expression list es;
@@
 move_pages(...)
 {
 <...
-err = __split_huge_pmd(es);
-if (err)
+if (__split_huge_pmd(es))
 	break;
 ...>
 }
