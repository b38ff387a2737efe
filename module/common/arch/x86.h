/* SPDX-License-Identifier: GPL-2.0 */
/* x86-64: see ../arch.h. ftrace and int3 kprobes both hand out struct pt_regs. */
#ifndef ERRPATH_ARCH_X86_H
#define ERRPATH_ARCH_X86_H

#include <linux/ftrace.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/pgtable.h>
#include <asm/text-patching.h>
#include <asm/unwind.h>

#include "../compat.h"

struct arch_regs {
	struct pt_regs pt;
};

struct arch_regs_space {};

static __always_inline struct arch_regs *
arch_regs_by_ftrace(struct ftrace_regs *fregs, struct arch_regs_space *space)
{
	return container_of(&compat_ftrace_regs(fregs)->regs, struct arch_regs, pt);
}

static __always_inline struct arch_regs *
arch_regs_by_kprobe(struct pt_regs *regs, struct arch_regs_space *space)
{
	return container_of(regs, struct arch_regs, pt);
}

#define ARCH_NR_ARGS	6

static __always_inline unsigned long *arch_arg(struct arch_regs *regs, unsigned int n)
{
	switch (n) {
	case 0: return &regs->pt.di;
	case 1: return &regs->pt.si;
	case 2: return &regs->pt.dx;
	case 3: return &regs->pt.cx;
	case 4: return &regs->pt.r8;
	default: return &regs->pt.r9;
	}
}

static __always_inline unsigned long arch_ip(const struct arch_regs *regs)
{
	return regs->pt.ip;
}

static __always_inline void arch_jump(struct arch_regs *regs, unsigned long ip)
{
	regs->pt.ip = ip;
}

/* Before the prologue, sp points to the return address. */
static __always_inline unsigned long arch_return_address(const struct arch_regs *regs)
{
	return *(unsigned long *)regs->pt.sp;
}

static __always_inline unsigned long arch_frame(const struct arch_regs *regs)
{
	return regs->pt.sp;
}

/* The exception adds an NMI and a hardirq level to preempt_count(): subtract them. */
static __always_inline bool arch_breakpoint_in_task(void)
{
	unsigned int count = preempt_count() - (NMI_OFFSET + HARDIRQ_OFFSET);

	return !(count & (NMI_MASK | HARDIRQ_MASK)) && !in_serving_softirq();
}

/* Behind the ENDBR, a function begins with the call of ftrace. */
static inline unsigned long arch_ftrace_ip(unsigned long addr)
{
	return addr;
}

static inline unsigned long arch_function_of(unsigned long ip)
{
	return ip;
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

static inline bool arch_text_has_ftrace_call(unsigned long ip)
{
	return arch_text_begins(ip, CALL_INSN_OPCODE);
}

/* A kprobe uses ftrace's call if there is one, and may be jump-optimised otherwise. */
static inline bool arch_text_is_probed(unsigned long addr)
{
	return arch_text_has_breakpoint(addr) || arch_text_has_ftrace_call(addr) ||
	       arch_text_begins(addr, JMP32_INSN_OPCODE);
}

static inline bool arch_is_module_text(unsigned long addr)
{
	return addr >= MODULES_VADDR && addr < MODULES_END;
}

static inline int arch_init(void)
{
	return 0;
}

#define ARCH_RETURN_TRAMPOLINES	"arch_rethook_trampoline", "return_to_handler"

struct arch_unwind {
	struct unwind_state state;
};

/* Return the next return address, from the caller upwards; 0: there is none. */
static inline unsigned long arch_unwind_next(struct arch_unwind *unwind)
{
	unsigned long addr;

	addr = unwind_done(&unwind->state) ? 0 : unwind_get_return_address(&unwind->state);
	if (addr)
		unwind_next_frame(&unwind->state);
	return addr;
}

/*
 * Begin behind the caller. Return whether the unwinder knows the call: frame pointers skip the
 * caller at a function's first instruction.
 */
static inline bool arch_unwind_start(struct arch_unwind *unwind, struct arch_regs *regs)
{
	unwind_start(&unwind->state, current, &regs->pt, NULL);
	return !IS_ENABLED(CONFIG_UNWINDER_ORC) || arch_unwind_next(unwind);
}

/*
 * Return whether the stack ends where the unwinder has no further address: the last frame is
 * that of the entry from user mode, or of the start of a kernel thread.
 */
static inline bool arch_unwind_is_complete(struct arch_unwind *unwind)
{
	struct pt_regs *regs;

	if (unwind_error(&unwind->state))
		return false;
	if (unwind_done(&unwind->state))
		return true;
	regs = unwind_get_entry_regs(&unwind->state, NULL);
	return regs && user_mode(regs);
}

#define ARCH_INLINES_PTE_ALLOC_ONE	false

#endif /* ERRPATH_ARCH_X86_H */
