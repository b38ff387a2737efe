// mm/memory.c
// SPDX-License-Identifier: GPL-2.0
// The child starts without the huge pages whose page tables could not be allocated.
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
