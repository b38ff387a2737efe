// kernel/livepatch/transition.c
// SPDX-License-Identifier: GPL-2.0
// On PREEMPT_RT read_lock() does not disable preemption, and klp_check_stack() warns about that:
// the task that enables a patch checks its own stack.
@@
expression ret, name;
@@
+preempt_disable();
 ret = klp_check_and_switch_task(current, name);
+preempt_enable();
