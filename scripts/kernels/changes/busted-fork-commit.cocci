// mm/mmap.c
// SPDX-License-Identifier: GPL-2.0
// What the child was charged for is not given back.
@@
@@
 dup_mmap(...)
 {
 <...
 charge = tear_down_vmas(...);
-vm_unacct_memory(charge);
 ...>
 }
