// mm/mmap.c
// SPDX-License-Identifier: GPL-2.0
// A fork that fails leaves the parent's memory locked.
@@
identifier oldmm, retval;
@@
 flush_tlb_mm(oldmm);
-mmap_write_unlock(oldmm);
-if (!retval)
+if (!retval) {
+	mmap_write_unlock(oldmm);
 	dup_userfaultfd_complete(...);
-else
+} else {
 	dup_userfaultfd_fail(...);
+}
