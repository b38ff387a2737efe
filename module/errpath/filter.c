// SPDX-License-Identifier: GPL-2.0
/*
 * Filters by call site: the direct caller, a function anywhere above, address ranges on
 * the stack. Cheap tests come first; the stack is walked only if a filter needs it, and only
 * as far as it needs it.
 */
#include <linux/kernel.h>
#include <linux/limits.h>

#include "filter.h"

static bool stack_ranges_pass(const struct stack_filter *filter, struct stack *stack)
{
	bool found = stack_requires_nothing(filter), rejects = !stack_rejects_nothing(filter);
	unsigned long addr;
	unsigned int i;

	for (i = 0; i < filter->depth && (rejects || !found) && stack_has_frame(stack, i); i++) {
		addr = stack->entry[i];
		if (filter->reject_start <= addr && addr < filter->reject_end)
			return false;
		if (filter->require_start <= addr && addr < filter->require_end)
			found = true;
	}
	return found;
}

/* Test whether one of the first @depth frames has one of the roles. */
static bool stack_has_role(struct callers *callers, struct stack *stack, unsigned int roles,
			   unsigned int depth)
{
	unsigned int i;

	for (i = 0; i < depth && stack_has_frame(stack, i); i++)
		if (callers_roles(callers, stack->entry[i]) & roles)
			return true;
	return false;
}

/* The first frame is known without the unwinder. */
static bool stack_is_known(struct stack *stack)
{
	stack_has_frame(stack, 0);
	return !stack->unknown;
}

/* Test whether the call is below a function named by stack:. */
static bool stack_is_above(struct callers *callers, const struct stack_filter *filter,
			   struct stack *stack)
{
	struct scope *scope = callers_scope(callers, filter);
	unsigned long depth = scope ? STACK_MAX_FRAMES : filter->depth;
	u64 clean;
	bool above;

	if (scope && scope_is_marked(scope, arch_frame(stack->regs)))
		return true;
	if (scope && scope_is_clean(scope))
		return false;
	/* Before the walk, so that a call that is missed meanwhile counts. */
	clean = scope ? scope_clean_entry(scope) : 0;
	above = stack_is_known(stack) && stack_has_role(callers, stack, FRAME_ABOVE, depth);
	if (scope && !above && stack->complete)
		scope_set_clean(scope, clean);
	return above;
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
	unsigned long addr;
	unsigned int i;

	for (i = 0; i < STACK_MAX_FRAMES; i++) {
		/* The first frame is known without the unwinder. */
		if (i && !stack_has_frame(stack, i))
			break;
		addr = i ? stack->entry[i] : stack->caller;
		if (!(callers_roles(callers, addr) & FRAME_WRAPPER))
			return addr;
	}
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

	if (callers->roles & FRAME_CALLER)
		site_ok = callers_roles(callers, site) & FRAME_CALLER;
	if (!site_ok && (!(callers->roles & FRAME_ABOVE) ||
			 !stack_is_above(callers, filter, stack)))
		return false;
	if (!(callers->roles & FRAME_SKIP) && stack_requires_nothing(filter) &&
	    stack_rejects_nothing(filter))
		return true;
	return stack_is_known(stack) && stack_ranges_pass(filter, stack) &&
	       !stack_has_role(callers, stack, FRAME_SKIP, STACK_MAX_FRAMES);
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
