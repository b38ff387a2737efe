// mm/madvise.c
// SPDX-License-Identifier: GPL-2.0
// Zapping cannot report an error, so the split before it must be checked: here it is not.

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
