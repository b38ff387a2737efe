// SPDX-License-Identifier: GPL-2.0
/*
 * The unwinder of arm64, which follows frame records: pairs of the next record's address and a
 * return address. No exported function begins at given registers.
 */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/stacktrace.h>
#include <linux/uaccess.h>

#include "../arch.h"
#include "../symbol.h"

/* Frames that the kernel's unwinder shows of errpath, and those of the call. */
#define GRAPH_FRAMES	96

unsigned long arch_kernel_text[2];

/**
 * arch_init() - look up what arch_is_module_text() needs
 *
 * Context: as symbol_addresses().
 *
 * Return: 0 or -ENOMEM.
 */
int arch_init(void)
{
	static const char * const names[] = { "_stext", "_etext" };

	return symbol_addresses(names, arch_kernel_text, ARRAY_SIZE(names));
}

/* What a record without addresses marks, from the word behind it. */
enum { RECORD_FINAL = 1, RECORD_REGS = 2 };

/* Remove the pointer authentication code of a return address: XPACLRI. */
static __always_inline unsigned long strip_code(unsigned long addr)
{
	asm("mov	x30, %0\n"
	    "hint	#7\n"
	    "mov	%0, x30" : "+r" (addr) : : "x30");
	return addr;
}

/*
 * Return the address that the function graph tracer replaced. Only the kernel's unwinder knows
 * it: in its trace it follows @last.
 */
static noinline unsigned long graph_return(unsigned long last, unsigned long trampoline)
{
	unsigned long entries[GRAPH_FRAMES];
	unsigned int i, n = stack_trace_save(entries, ARRAY_SIZE(entries), 0);

	for (i = 0; i + 1 < n; i++)
		if (entries[i] == last)
			return entries[i + 1];
	return trampoline;
}

/* @fp: the frame record of the caller. */
static unsigned long real_return(const struct arch_unwind *unwind, unsigned long addr,
				 unsigned long fp)
{
	if (addr == intercept_trampolines[0])
		return compat_kretprobe_caller(fp, addr) ?: addr;
	if (addr == intercept_trampolines[1])
		return graph_return(unwind->last, addr);
	return addr;
}

/*
 * Continue at a record without addresses. It ends the stack, or is part of the registers that an
 * exception saved; kernels whose records have no such word behind them use it only for the end.
 */
static unsigned long unwind_special(struct arch_unwind *unwind, unsigned long record)
{
	const struct pt_regs *regs = (void *)(record - offsetof(struct pt_regs, stackframe));
	u64 type = RECORD_FINAL, pc, fp;

	unwind->fp = 0;
	if (sizeof(regs->stackframe) > 2 * sizeof(u64) &&
	    copy_from_kernel_nofault(&type, (void *)(record + 2 * sizeof(u64)), sizeof(type)))
		return 0;
	if (type == RECORD_FINAL)
		unwind->complete = record == (unsigned long)&task_pt_regs(current)->stackframe;
	if (type != RECORD_REGS)
		return 0;
	if (copy_from_kernel_nofault(&pc, &regs->pc, sizeof(pc)) ||
	    copy_from_kernel_nofault(&fp, &regs->regs[29], sizeof(fp)))
		return 0;
	unwind->fp = fp;
	return pc;
}

/**
 * arch_unwind_next() - return the next return address above a call
 * @unwind: from arch_unwind_start()
 *
 * Context: any.
 *
 * Return: the address, or 0: there is none.
 */
unsigned long __kprobes arch_unwind_next(struct arch_unwind *unwind)
{
	unsigned long fp = unwind->fp, addr;
	u64 record[2];

	unwind->fp = 0;
	if (!fp || fp % sizeof(u64) ||
	    copy_from_kernel_nofault(record, (void *)fp, sizeof(record)))
		return 0;
	if (!record[0] && !record[1]) {
		addr = unwind_special(unwind, fp);
	} else {
		addr = real_return(unwind, strip_code(record[1]), record[0]);
		unwind->fp = record[0];
	}
	unwind->last = addr;
	return addr;
}
