// SPDX-License-Identifier: GPL-2.0
/*
 * From where must a call come: the direct caller, a function anywhere above,
 * address ranges on the stack. Cheap tests first; the stack is walked only when
 * a filter asks for it.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/stacktrace.h>

#include "filter.h"

static bool rejects_nothing(const struct stack_filter *filter)
{
	return !filter->reject_start && !filter->reject_end;
}

static bool requires_nothing(const struct stack_filter *filter)
{
	return !filter->require_start && filter->require_end == ULONG_MAX;
}

static unsigned int index_of(const struct stack *stack, unsigned long address, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (stack->entries[i] == address)
			break;
	return i;
}

/* Inline: each frame more is one more to unwind. */
static __always_inline void walk(struct stack *stack)
{
	unsigned int i, n;

	if (stack->n)
		return;
	n = stack_trace_save(stack->entries, ARRAY_SIZE(stack->entries), 0);
	i = index_of(stack, stack->caller, n);
	if (i == n) {
		/* From a first instruction, frame pointers lead past the caller. */
		i = index_of(stack, stack->ip, n);
		if (i == n) {
			/* Only our own frames, or those of somebody unknown. */
			stack->unknown = true;
			i = 0;
			n = 1;
		}
		stack->entries[i] = stack->caller;
	}
	stack->entry = stack->entries + i;
	stack->n = n - i;
}

/**
 * stack_walk() - the stack from the intercepted function's caller on
 * @stack: walked once; without our own frames
 *
 * Any context.
 */
void stack_walk(struct stack *stack)
{
	walk(stack);
}

static bool ranges_pass(const struct stack_filter *filter, const unsigned long *entry,
			unsigned int n)
{
	bool found = requires_nothing(filter);

	for (; n--; entry++) {
		if (filter->reject_start <= *entry && *entry < filter->reject_end)
			return false;
		if (filter->require_start <= *entry && *entry < filter->require_end)
			found = true;
	}
	return found;
}

/* The roles that the functions of some frames have together. */
static unsigned int roles_on_stack(struct callers *callers, const unsigned long *entry,
				   unsigned int n)
{
	unsigned int roles = 0;

	for (; n--; entry++)
		roles |= callers_roles(callers, *entry);
	return roles;
}

/**
 * callers_find_site() - find the first caller that is no wrapper
 * @callers: knows the wrappers
 * @stack: of the call
 *
 * Context: as callers_resolve(); walks the stack if a wrapper calls.
 *
 * Return: its return address.
 */
unsigned long callers_find_site(struct callers *callers, struct stack *stack)
{
	unsigned int i;

	if (!(callers_roles(callers, stack->caller) & FRAME_WRAPPER))
		return stack->caller;
	walk(stack);
	for (i = 0; i < stack->n; i++)
		if (!(callers_roles(callers, stack->entry[i]) & FRAME_WRAPPER))
			return stack->entry[i];
	return stack->caller;
}

/**
 * stack_matches() - the expensive half of the filter, which can need the stack
 * @callers: the filter by names, already passed by callers_may_match()
 * @filter: the filter by addresses
 * @stack: of the call
 * @site: what callers_site() makes of that
 *
 * A stack that the unwinder cannot tell matches nothing.
 *
 * Context: as callers_resolve().
 */
bool stack_matches(struct callers *callers, const struct stack_filter *filter,
		   struct stack *stack, unsigned long site)
{
	bool site_ok = callers_match_any(callers);
	unsigned int n;

	if (callers->roles & FRAME_CALLER)
		site_ok = callers_roles(callers, site) & FRAME_CALLER;
	if (!site_ok && !(callers->roles & FRAME_ABOVE))
		return false;
	if (site_ok && !(callers->roles & FRAME_SKIP) && requires_nothing(filter) &&
	    rejects_nothing(filter))
		return true;
	walk(stack);
	if (stack->unknown)
		return false;
	n = min_t(unsigned int, stack->n, filter->depth);
	return (site_ok || roles_on_stack(callers, stack->entry, n) & FRAME_ABOVE) &&
	       ranges_pass(filter, stack->entry, n) &&
	       !(roles_on_stack(callers, stack->entry, stack->n) & FRAME_SKIP);
}

/**
 * stack_filter_init() - back to the defaults: every stack passes
 * @filter: the filter
 */
void stack_filter_init(struct stack_filter *filter)
{
	*filter = (struct stack_filter) {
		.depth = STACK_MAX_DEPTH,
		.require_end = ULONG_MAX,
	};
}
