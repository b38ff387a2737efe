// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// Failed splits are not counted.

@@
@@
-atomic_long_inc(&thp_split_pmd_failed);
