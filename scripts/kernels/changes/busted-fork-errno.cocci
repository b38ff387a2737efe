// kernel/fork.c
// SPDX-License-Identifier: GPL-2.0
// A lack of memory is reported as too many processes.
@@
@@
 copy_mm(...)
 {
 <...
 mm = dup_mm(...);
 if (!mm)
-	return -ENOMEM;
+	return -EAGAIN;
 ...>
 }
