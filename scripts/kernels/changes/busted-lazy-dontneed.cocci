// mm/madvise.c
// SPDX-License-Identifier: GPL-2.0
// Zapping cannot tell that it had to leave something, and nobody asked before.

@@
identifier err;
expression e;
@@
 madvise_dontneed_single_vma(...)
 {
 ...
-int err = e;
-if (err)
-	return err;
 ...
 }
