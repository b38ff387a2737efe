// mm/madvise.c
// SPDX-License-Identifier: GPL-2.0
// mm/madvise.c: split a huge PMD that is zapped in part before, while that can still fail.

@@
@@
 madvise_dontneed_single_vma(...)
 {
 ...
 struct zap_details details = { ... };
+int err = vma_adjust_trans_huge(madv_behavior->vma, range->start, range->end, NULL);
+if (err)
+	return err;
 ...
 }

@@
identifier i;
@@
 madvise_guard_install(...)
 {
 ... when any
+err = vma_adjust_trans_huge(vma, range->start, range->end, NULL);
+if (err)
+	return err;
 for (i = 0; i < MAX_MADVISE_GUARD_RETRIES; i++) { ... }
 ... when any
 }
