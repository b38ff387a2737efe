// SPDX-License-Identifier: GPL-2.0
/*
 * Filters by call site: the direct caller, a function anywhere above, address ranges on
 * the stack. Cheap tests come first; the stack is walked only if a filter needs it.
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

static unsigned int stack_index_of(const struct stack *stack, unsigned long address,
				   unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (stack->entries[i] == address)
			break;
	return i;
}

/* Inlined, because every additional frame lengthens the unwind. */
static __always_inline void stack_walk_once(struct stack *stack)
{
	unsigned int i, n;

	if (stack->n)
		return;
	n = stack_trace_save(stack->entries, ARRAY_SIZE(stack->entries), 0);
	i = stack_index_of(stack, stack->caller, n);
	if (i == n) {
		/* At a function's first instruction, frame pointers skip its caller. */
		i = stack_index_of(stack, stack->ip, n);
		if (i == n) {
			/* The unwinder found neither: all frames may be errpath's own. */
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
 * stack_walk() - save the stack from the intercepted function's caller upwards
 * @stack: the stack; without errpath's own frames. It is walked only once.
 *
 * Context: any.
 */
void stack_walk(struct stack *stack)
{
	stack_walk_once(stack);
}

static bool stack_ranges_pass(const struct stack_filter *filter, const unsigned long *entry,
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

/* Return the roles of all frames together. */
static unsigned int roles_on_stack(struct callers *callers, const unsigned long *entry,
				   unsigned int n)
{
	unsigned int roles = 0;

	for (; n--; entry++)
		roles |= callers_roles(callers, *entry);
	return roles;
}

/**
 * callers_find_site() - find the first caller that is not a wrapper
 * @callers: the lists, which have the wrappers
 * @stack: stack of the call
 *
 * Walks the stack only if a wrapper made the call.
 *
 * Context: as callers_resolve().
 *
 * Return: the return address in that caller.
 */
unsigned long callers_find_site(struct callers *callers, struct stack *stack)
{
	unsigned int i;

	if (!(callers_roles(callers, stack->caller) & FRAME_WRAPPER))
		return stack->caller;
	stack_walk_once(stack);
	for (i = 0; i < stack->n; i++)
		if (!(callers_roles(callers, stack->entry[i]) & FRAME_WRAPPER))
			return stack->entry[i];
	return stack->caller;
}

/**
 * stack_matches() - apply the filters that can need the stack
 * @callers: the filter by names; callers_may_match() was true
 * @filter: the filter by addresses
 * @stack: stack of the call
 * @site: result of callers_site() for @stack
 *
 * If a filter needs the stack and the unwinder cannot walk it, the call does not match.
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
	stack_walk_once(stack);
	if (stack->unknown)
		return false;
	n = min_t(unsigned int, stack->n, filter->depth);
	return (site_ok || roles_on_stack(callers, stack->entry, n) & FRAME_ABOVE) &&
	       stack_ranges_pass(filter, stack->entry, n) &&
	       !(roles_on_stack(callers, stack->entry, stack->n) & FRAME_SKIP);
}

/**
 * stack_filter_init() - set the filter to its default: every stack passes
 * @filter: the filter
 */
void stack_filter_init(struct stack_filter *filter)
{
	*filter = (struct stack_filter) {
		.depth = STACK_MAX_DEPTH,
		.require_end = ULONG_MAX,
	};
}
