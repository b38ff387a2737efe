// mm/memory.c
// SPDX-License-Identifier: GPL-2.0
// The child is born without the huge pages for which there was no page table.
@@
identifier err;
@@
 copy_pmd_range(...)
 {
 <...
 if (err == -ENOMEM)
-	return -ENOMEM;
+	continue;
 ...>
 }
