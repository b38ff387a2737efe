/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_STACK_H
#define ERRPATH_STACK_H

#include <linux/types.h>

#include "../common/arch.h"

/* Frames that the knob stacktrace-depth can select, and that identify a stack. */
#define STACK_MAX_DEPTH		32
/* Frames of a stack that are looked at. */
#define STACK_MAX_FRAMES	64

/**
 * struct stack - the stack of one call, unwound only as far as it is asked for
 * @regs: the registers at the intercepted function's entry
 * @caller: the call's return address
 * @n: number of frames in @entry; 0: the unwinder has not been started
 * @ended: the unwinder has no further frame
 * @complete: it has none because the stack ends there
 * @unknown: the unwinder did not find the caller; @entry has only the caller
 * @unwind: state of the unwinder
 * @entry: return addresses, from the caller upwards
 */
struct stack {
	struct arch_regs *regs;
	unsigned long caller;
	unsigned int n;
	bool ended;
	bool complete;
	bool unknown;
	/* private: */
	struct arch_unwind unwind;
	unsigned long entry[STACK_MAX_FRAMES];
};

/* Not an initializer, which would also clear @entry. */
static __always_inline void stack_init(struct stack *stack, struct arch_regs *regs,
				       unsigned long caller)
{
	stack->regs = regs;
	stack->caller = caller;
	stack->n = 0;
}

unsigned int stack_unwind(struct stack *stack, unsigned int n);

/* Test whether the stack has a frame number @i, counted from 0, the caller. Any context. */
static __always_inline bool stack_has_frame(struct stack *stack, unsigned int i)
{
	return i < stack->n || i < stack_unwind(stack, i + 1);
}

#endif /* ERRPATH_STACK_H */
