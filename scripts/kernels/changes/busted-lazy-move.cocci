// mm/userfaultfd.c
// SPDX-License-Identifier: GPL-2.0
// UFFDIO_MOVE returns no error although it moved nothing, so that the caller retries forever.

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
