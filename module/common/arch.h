/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that depends on the architecture: where a function's arguments, return
 * address and return value are at its first instruction, and what the text
 * looks like while it is intercepted.
 */
#ifndef ERRPATH_ARCH_H
#define ERRPATH_ARCH_H

#include <linux/ftrace.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/uaccess.h>

#ifdef CONFIG_X86_64

#include <asm/text-patching.h>

/* Integer arguments that travel in registers. */
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

/* Before the prologue the return address is what sp points at. */
static __always_inline unsigned long arch_return_address(const struct pt_regs *regs)
{
	return *(unsigned long *)regs->sp;
}

/* Labels that kretprobes and the function graph tracer put where a return address was. */
#define ARCH_RETURN_TRAMPOLINES	"arch_rethook_trampoline", "return_to_handler"

static __always_inline void arch_jump(struct pt_regs *regs, unsigned long ip)
{
	regs->ip = ip;
}

/*
 * The int3 handler runs as if in NMI context. Tell the context of the function
 * that was hit: take off what the exception's entry added.
 */
static __always_inline bool arch_breakpoint_in_task(void)
{
	unsigned int count = preempt_count() - (NMI_OFFSET + HARDIRQ_OFFSET);

	return !(count & (NMI_MASK | HARDIRQ_MASK)) && !in_serving_softirq();
}

/* The text may be a module's that is being freed. */
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

#else
#error errpath knows x86-64 only; other architectures go into this file
#endif

#endif /* ERRPATH_ARCH_H */
