/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that depends on the architecture: where the arguments and the return address
 * of a function are at its first instruction, and what its text is while the function is
 * intercepted.
 */
#ifndef ERRPATH_ARCH_H
#define ERRPATH_ARCH_H

#include <linux/ftrace.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/uaccess.h>

#ifdef CONFIG_X86_64

#include <asm/text-patching.h>

/* Integer arguments that are passed in registers. */
#define ARCH_NR_ARGS	6

static __always_inline unsigned long *arch_arg(struct pt_regs *regs, unsigned int n)
{
	switch (n) {
	case 0: return &regs->di;
	case 1: return &regs->si;
	case 2: return &regs->dx;
	case 3: return &regs->cx;
	case 4: return &regs->r8;
	default: return &regs->r9;
	}
}

/* Before the prologue, sp points to the return address. */
static __always_inline unsigned long arch_return_address(const struct pt_regs *regs)
{
	return *(unsigned long *)regs->sp;
}

/* Functions that kretprobes and the function graph tracer use as return addresses. */
#define ARCH_RETURN_TRAMPOLINES	"arch_rethook_trampoline", "return_to_handler"

/* At a function's first instruction, frame pointers skip its caller. */
#define ARCH_UNWIND_BEGINS_AT_CALLER	IS_ENABLED(CONFIG_UNWINDER_ORC)

static __always_inline void arch_jump(struct pt_regs *regs, unsigned long ip)
{
	regs->ip = ip;
}

/*
 * Test whether the function that an int3 interrupted runs in task context. The exception
 * adds an NMI and a hardirq level to preempt_count(): subtract them.
 */
static __always_inline bool arch_breakpoint_in_task(void)
{
	unsigned int count = preempt_count() - (NMI_OFFSET + HARDIRQ_OFFSET);

	return !(count & (NMI_MASK | HARDIRQ_MASK)) && !in_serving_softirq();
}

/* Does not fault: the text can be that of a module that is being freed. */
static inline bool arch_text_begins(unsigned long addr, u8 opcode)
{
	u8 byte;

	return !copy_from_kernel_nofault(&byte, (void *)addr, 1) && byte == opcode;
}

static inline bool arch_text_has_breakpoint(unsigned long addr)
{
	return arch_text_begins(addr, INT3_INSN_OPCODE);
}

static inline bool arch_text_has_call(unsigned long addr)
{
	return arch_text_begins(addr, CALL_INSN_OPCODE);
}

/* Test for what ftrace or a kprobe, which may be jump-optimised, puts at a function's entry. */
static inline bool arch_text_is_probed(unsigned long addr)
{
	return arch_text_has_breakpoint(addr) || arch_text_has_call(addr) ||
	       arch_text_begins(addr, JMP32_INSN_OPCODE);
}

#else
#error errpath supports only x86-64; add other architectures to this file
#endif

#endif /* ERRPATH_ARCH_H */
