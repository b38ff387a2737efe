// SPDX-License-Identifier: GPL-2.0
/*
 * The stack of a call. The unwinder starts at the registers of the intercepted function,
 * so that it does not walk over the frames of errpath and of the exception, and goes only
 * as far as a filter asks: most filters decide at one of the first frames.
 *
 * stack_trace_save() can do neither.
 */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/sched.h>

#include "../common/arch.h"
#include "stack.h"

/* The caller is known; take it from the unwinder only to go beyond it. */
static void stack_start(struct stack *stack)
{
	stack->complete = false;
	stack->entry[0] = stack->caller;
	stack->n = 1;
	stack->unknown = !arch_unwind_start(&stack->unwind, stack->regs);
	stack->ended = stack->unknown;
}

/**
 * stack_unwind() - unwind the stack of a call
 * @stack: the stack
 * @n: number of frames to unwind, with those that are already in @stack
 *
 * Context: any; @stack->regs must still be those of the running call.
 *
 * Return: the number of frames in @stack, less than @n if the stack has fewer, if the
 * unwinder cannot go on, or if @n is greater than STACK_MAX_FRAMES.
 */
unsigned int __kprobes stack_unwind(struct stack *stack, unsigned int n)
{
	unsigned long addr;

	if (!stack->n)
		stack_start(stack);
	while (!stack->ended && stack->n < n) {
		if (stack->n == STACK_MAX_FRAMES) {
			stack->ended = true;
			continue;
		}
		addr = arch_unwind_next(&stack->unwind);
		if (addr) {
			stack->entry[stack->n++] = addr;
		} else {
			stack->ended = true;
			stack->complete = arch_unwind_is_complete(&stack->unwind);
		}
	}
	return stack->n;
}
