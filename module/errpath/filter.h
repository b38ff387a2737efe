/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_FILTER_H
#define ERRPATH_FILTER_H

#include <linux/limits.h>
#include <linux/types.h>

#include "callers.h"
#include "stack.h"

/**
 * struct stack_filter - require-* and reject-* of Documentation/fault-injection
 * @depth: number of frames to compare, at most STACK_MAX_DEPTH
 * @require_start: start of a range that must contain a frame
 * @require_end: first address after that range
 * @reject_start: start of a range that must not contain a frame
 * @reject_end: first address after that range
 */
struct stack_filter {
	unsigned long depth;
	unsigned long require_start;
	unsigned long require_end;
	unsigned long reject_start;
	unsigned long reject_end;
};

unsigned long callers_find_site(struct callers *callers, struct stack *stack);
bool stack_matches(struct callers *callers, const struct stack_filter *filter,
		   struct stack *stack, unsigned long site);
void stack_filter_init(struct stack_filter *filter);

static __always_inline bool stack_rejects_nothing(const struct stack_filter *filter)
{
	return !filter->reject_start && !filter->reject_end;
}

static __always_inline bool stack_requires_nothing(const struct stack_filter *filter)
{
	return !filter->require_start && filter->require_end == ULONG_MAX;
}

/* Test whether stack_matches() would be true for every stack. Any context. */
static __always_inline bool stack_always_matches(const struct callers *callers,
						 const struct stack_filter *filter)
{
	return !callers->roles && stack_requires_nothing(filter) && stack_rejects_nothing(filter);
}

/* Return the scope, if it can say whether a function is in reach of @filter, or NULL. */
static __always_inline struct scope *callers_scope(const struct callers *callers,
						   const struct stack_filter *filter)
{
	/* The marks do not say at which depth the function is. */
	return READ_ONCE(filter->depth) == STACK_MAX_DEPTH ? callers->scope : NULL;
}

/*
 * Apply the filters that do not need the stack. False: the call with the return address
 * @caller does not match. True: stack_matches() decides. Any context.
 */
static __always_inline bool callers_may_match(const struct callers *callers,
					      const struct stack_filter *filter,
					      unsigned long caller, const struct arch_regs *regs)
{
	const struct scope *scope;
	unsigned int roles;

	if (callers_match_any(callers))
		return true;
	if (callers->roles & FRAME_ABOVE) {
		scope = callers_scope(callers, filter);
		if (!scope || !scope_is_outside(scope, arch_frame(regs)))
			return true;
		if (!(callers->roles & FRAME_CALLER))
			return false;
	}
	return !callers_lookup(callers, caller, &roles) ||
	       roles & (FRAME_CALLER | FRAME_WRAPPER);
}

/* Return the return address in the first caller that is not a wrapper. As callers_roles(). */
static __always_inline unsigned long callers_site(struct callers *callers, struct stack *stack)
{
	return callers->roles & FRAME_WRAPPER ? callers_find_site(callers, stack) : stack->caller;
}

#endif /* ERRPATH_FILTER_H */
