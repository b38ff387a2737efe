// drivers/nvdimm/pmem.c
// SPDX-License-Identifier: GPL-2.0
// The driver gives another reason than the lack of memory.
@@
identifier addr, rc, out;
@@
 pmem_attach_disk(...)
 {
 <...
 if (IS_ERR(addr)) {
-	rc = PTR_ERR(addr);
+	rc = -EIO;
 	goto out;
 }
 ...>
 }
