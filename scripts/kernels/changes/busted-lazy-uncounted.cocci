// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// The counter of failures counts none.

@@
@@
-atomic_long_inc(&thp_split_pmd_failed);
