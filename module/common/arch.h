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

/* Before the prologue the return address is what sp points at; rethooks call that the frame. */
static __always_inline unsigned long arch_return_slot(const struct pt_regs *regs)
{
	return regs->sp;
}

static __always_inline unsigned long arch_return_address(const struct pt_regs *regs)
{
	return *(unsigned long *)arch_return_slot(regs);
}

static __always_inline void arch_jump(struct pt_regs *regs, unsigned long ip)
{
	regs->ip = ip;
}

/*
 * Return to the caller at once. __fentry__ is a bare "ret" in the kernel's own
 * text: a task preempted on it cannot be left behind in a module that has been
 * unloaded. sp must not change, ftrace does not restore it.
 */
static __always_inline void arch_return(struct pt_regs *regs, unsigned long value)
{
	regs->ax = value;
	arch_jump(regs, (unsigned long)__fentry__);
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

static inline bool arch_text_has_breakpoint(unsigned long addr)
{
	return READ_ONCE(*(u8 *)addr) == INT3_INSN_OPCODE;
}

static inline bool arch_text_has_call(unsigned long addr)
{
	return READ_ONCE(*(u8 *)addr) == CALL_INSN_OPCODE;
}

#else
#error errpath knows x86-64 only; other architectures go into this file
#endif

#endif /* ERRPATH_ARCH_H */
