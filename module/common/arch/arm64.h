/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arm64: see ../arch.h. A function that can be traced begins with "mov x9, x30" and a nop, which
 * ftrace replaces by a call. A kprobe replaces the instruction before it: its address and that of
 * ftrace are different, and both can be on a function at once.
 */
#ifndef ERRPATH_ARCH_ARM64_H
#define ERRPATH_ARCH_ARM64_H

#include <linux/ftrace.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/uaccess.h>
#include <asm/debug-monitors.h>
#include <asm/insn.h>

#include "../compat.h"

/**
 * struct arch_regs - the registers at a function's entry
 * @x: x0 and the following, where ftrace or the exception loads them from
 * @pc: where the function goes on
 * @lr: the return address
 * @fp: the frame record of the caller
 */
struct arch_regs {
	unsigned long *x;
	unsigned long *pc;
	unsigned long lr;
	unsigned long fp;
};

struct arch_regs_space {
	struct arch_regs regs;
};

static __always_inline struct arch_regs *
arch_regs_by_kprobe(struct pt_regs *regs, struct arch_regs_space *space)
{
	space->regs = (struct arch_regs) {
		.x = (unsigned long *)regs->regs,
		.pc = (unsigned long *)&regs->pc,
		.lr = regs->regs[30],
		.fp = regs->regs[29],
	};
	return &space->regs;
}

/* ftrace saves less than struct pt_regs if the kernel has CONFIG_DYNAMIC_FTRACE_WITH_ARGS. */
static __always_inline struct arch_regs *
arch_regs_by_ftrace(struct ftrace_regs *fregs, struct arch_regs_space *space)
{
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
	space->regs = (struct arch_regs) {
		.x = compat_ftrace_regs(fregs)->regs,
		.pc = &compat_ftrace_regs(fregs)->pc,
		.lr = compat_ftrace_regs(fregs)->lr,
		.fp = compat_ftrace_regs(fregs)->fp,
	};
	return &space->regs;
#else
	return arch_regs_by_kprobe(&compat_ftrace_regs(fregs)->regs, space);
#endif
}

#define ARCH_NR_ARGS	8

static __always_inline unsigned long *arch_arg(struct arch_regs *regs, unsigned int n)
{
	return &regs->x[n];
}

static __always_inline unsigned long arch_ip(const struct arch_regs *regs)
{
	return *regs->pc;
}

static __always_inline void arch_jump(struct arch_regs *regs, unsigned long ip)
{
	*regs->pc = ip;
}

static __always_inline unsigned long arch_return_address(const struct arch_regs *regs)
{
	return regs->lr;
}

/* A kretprobe does not record where the return address is, but the caller's frame record. */
static __always_inline unsigned long arch_frame(const struct arch_regs *regs)
{
	return regs->fp;
}

/* The exception of a kprobe's BRK leaves preempt_count() as the function had it. */
static __always_inline bool arch_breakpoint_in_task(void)
{
	return in_task();
}

/* Does not fault: the text can be that of a module that is being freed. Return 0 then. */
static inline u32 arch_text(unsigned long addr)
{
	u32 insn;

	return copy_from_kernel_nofault(&insn, (void *)addr, sizeof(insn)) ? 0 : insn;
}

static inline bool arch_text_is_landing_pad(u32 insn)
{
	return insn == (AARCH64_INSN_HINT_BTIC | 0xd503201fU);
}

/* The call is behind the instruction that saves the return address, and behind a landing pad. */
static inline unsigned long arch_ftrace_ip(unsigned long addr)
{
	return addr + (arch_text_is_landing_pad(arch_text(addr)) ? 8 : 4);
}

static inline unsigned long arch_function_of(unsigned long ip)
{
	return ip - (arch_text_is_landing_pad(arch_text(ip - 8)) ? 8 : 4);
}

static inline bool arch_text_has_breakpoint(unsigned long addr)
{
	return arch_text(addr) == BRK64_OPCODE_KPROBES;
}

static inline bool arch_text_has_ftrace_call(unsigned long ip)
{
	return aarch64_insn_is_bl(arch_text(ip));
}

static inline bool arch_text_is_probed(unsigned long addr)
{
	return arch_text_has_breakpoint(addr);
}

/* First address of the kernel's text, and the first behind it; 0: not known. */
extern unsigned long arch_kernel_text[2];

/* 6.1 also places modules outside of MODULES_VADDR to MODULES_END. */
static inline bool arch_is_module_text(unsigned long addr)
{
	return addr < arch_kernel_text[0] || addr >= arch_kernel_text[1];
}

int arch_init(void);

#define ARCH_RETURN_TRAMPOLINES	"__kretprobe_trampoline", "return_to_handler"

/**
 * struct arch_unwind - where an unwinder is
 * @fp: the next frame record; 0: there is none
 * @last: the return address before it
 * @complete: the last record was that of the stack's end
 */
struct arch_unwind {
	unsigned long fp;
	unsigned long last;
	bool complete;
};

unsigned long arch_unwind_next(struct arch_unwind *unwind);

/* Begin behind the caller. Return whether the unwinder knows the call, which it always does. */
static inline bool arch_unwind_start(struct arch_unwind *unwind, struct arch_regs *regs)
{
	*unwind = (struct arch_unwind) { .fp = regs->fp, .last = regs->lr };
	return true;
}

/* Return whether the stack ends where the unwinder has no further address. */
static inline bool arch_unwind_is_complete(const struct arch_unwind *unwind)
{
	return unwind->complete;
}

#define ARCH_INLINES_PTE_ALLOC_ONE	true

#endif /* ERRPATH_ARCH_ARM64_H */
