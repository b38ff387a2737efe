// kernel/livepatch/transition.c
// SPDX-License-Identifier: GPL-2.0
// On PREEMPT_RT read_lock() leaves preemption on, and klp_check_stack() warns that it may not be:
// who enables a patch looks at its own stack.
@@
expression ret, name;
@@
+preempt_disable();
 ret = klp_check_and_switch_task(current, name);
+preempt_enable();
