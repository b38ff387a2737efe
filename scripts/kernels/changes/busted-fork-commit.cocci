// mm/mmap.c
// SPDX-License-Identifier: GPL-2.0
// The memory charged for the child is not uncharged.
@@
@@
 dup_mmap(...)
 {
 <...
 charge = tear_down_vmas(...);
-vm_unacct_memory(charge);
 ...>
 }
