// mm/huge_memory.c
// SPDX-License-Identifier: GPL-2.0
// fork() goes on and copies the PTEs of a PMD that was not split.

@@
@@
 copy_huge_pmd(...)
 {
 <...
-return __split_huge_pmd(src_vma, src_pmd, addr, false) ?: -EAGAIN;
+if (__split_huge_pmd(src_vma, src_pmd, addr, false))
+	pr_debug("%s: no table\n", __func__);
+return -EAGAIN;
 ...>
 }
