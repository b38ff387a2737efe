// kernel/fork.c
// SPDX-License-Identifier: GPL-2.0
// The child's mm_struct is leaked.
@@
identifier mm;
@@
 dup_mm(...)
 {
 <...
 mm_init_owner(mm, NULL);
-mmput(mm);
 ...>
 }
