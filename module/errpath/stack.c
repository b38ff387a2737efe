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

static bool stack_next(struct stack *stack, unsigned long *addr)
{
	*addr = unwind_done(&stack->unwind) ? 0 : unwind_get_return_address(&stack->unwind);
	if (!*addr)
		return false;
	unwind_next_frame(&stack->unwind);
	return true;
}

/* The last frame is that of the entry from user mode, or of the start of a kernel thread. */
static bool stack_ends_here(struct stack *stack)
{
	struct pt_regs *regs;

	if (unwind_error(&stack->unwind))
		return false;
	if (unwind_done(&stack->unwind))
		return true;
	regs = unwind_get_entry_regs(&stack->unwind, NULL);
	return regs && user_mode(regs);
}

/* The caller is known; take it from the unwinder only to go beyond it. */
static void stack_start(struct stack *stack)
{
	unsigned long addr;

	stack->ended = false;
	stack->complete = false;
	stack->unknown = false;
	stack->entry[0] = stack->caller;
	stack->n = 1;
	unwind_start(&stack->unwind, current, stack->regs, NULL);
	if (!ARCH_UNWIND_BEGINS_AT_CALLER || stack_next(stack, &addr))
		return;
	stack->unknown = true;
	stack->ended = true;
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
		} else if (stack_next(stack, &addr)) {
			stack->entry[stack->n++] = addr;
		} else {
			stack->ended = true;
			stack->complete = stack_ends_here(stack);
		}
	}
	return stack->n;
}
