// mm/vma.c
// SPDX-License-Identifier: GPL-2.0
// mm/vma.c: split huge PMDs at the new end of a VMA first, while nothing has changed yet and no
// rmap lock is held that reclaim takes. The write locks of VMA and mmap keep them split.

@@
@@
 __split_vma(...)
 {
 ... when any
+vma_start_write(vma);
+err = vma_adjust_trans_huge(vma, vma->vm_start, addr, NULL);
+if (err)
+	return err;
 new = vm_area_dup(vma);
 ... when any
-vma_adjust_trans_huge(vma, vma->vm_start, addr, NULL);
 ... when any
 }

@@
expression end, next;
@@
 commit_merge(...)
 {
 ... when any
 init_multi_vma_prep(&vp, vma, vmg);
+if (vma_adjust_trans_huge(vma, vmg->start, end, next))
+	return -ENOMEM;
 ... when any
-vma_adjust_trans_huge(vma, vmg->start, end, next);
 ... when any
 }

@@
@@
 vma_shrink(...)
 {
 ... when any
+vma_start_write(vma);
+if (vma_adjust_trans_huge(vma, vma->vm_start, end, NULL))
+	return -ENOMEM;
 vma_iter_config(vmi, end, vma->vm_end);
 ... when any
-vma_start_write(vma);
 ... when any
-vma_adjust_trans_huge(vma, vma->vm_start, end, NULL);
 ... when any
 }
