/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What depends on the architecture. A header in arch/ defines, for its architecture:
 *
 * struct arch_regs		the registers at a function's entry, as a handler sees them
 * struct arch_regs_space	memory in which arch_regs can be made from what a hook gets
 * arch_regs_by_ftrace(), arch_regs_by_kprobe()	make them
 * ARCH_NR_ARGS, arch_arg()	the integer arguments that are passed in registers
 * arch_ip(), arch_jump()	where the function goes on, and how to change that
 * arch_return_address()	the return address of the call
 * arch_frame()			identifies the frame of the call, as a kretprobe records it
 * arch_breakpoint_in_task()	whether the function behind a breakpoint runs in task context
 * arch_ftrace_ip()		the address by which ftrace knows a function
 * arch_function_of()		the address of a function that ftrace knows by an address
 * arch_text_*()		what the text is while the function is intercepted
 * arch_is_module_text()	whether an address in text is in a module
 * arch_init()			called before the first interception; may sleep
 * ARCH_RETURN_TRAMPOLINES	functions that kretprobes and the graph tracer return to
 * struct arch_unwind, arch_unwind_*()	the return addresses above a call
 * ARCH_INLINES_PTE_ALLOC_ONE	whether kernels have no pte_alloc_one() out of line
 *
 * A function's address is that of its first instruction after any landing pad: there kprobes
 * put a breakpoint. README.md says what another architecture would need.
 */
#ifndef ERRPATH_ARCH_H
#define ERRPATH_ARCH_H

/* The addresses of ARCH_RETURN_TRAMPOLINES, in this order; 0: the kernel does not have it. */
#define INTERCEPT_TRAMPOLINES	2
extern unsigned long intercept_trampolines[INTERCEPT_TRAMPOLINES];

#if defined(CONFIG_X86_64)
#include "arch/x86.h"
#elif defined(CONFIG_ARM64)
#include "arch/arm64.h"
#else
#error errpath supports x86-64 and arm64; another architecture needs a header in module/common/arch
#endif

#endif /* ERRPATH_ARCH_H */
