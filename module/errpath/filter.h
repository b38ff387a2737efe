/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_FILTER_H
#define ERRPATH_FILTER_H

#include <linux/types.h>

#include "callers.h"

#define STACK_MAX_DEPTH		32

/* Frames of our own and of the trampoline before the intercepted function's caller. */
#define STACK_OWN_FRAMES	12

/**
 * struct stack - the stack of one call, walked when somebody first asks for it
 * @ip: where in the intercepted function it is
 * @caller: the call's return address
 * @n: frames from the caller upwards, once walked
 * @entry: them
 * @unknown: the unwinder did not find the caller; @entry is the caller alone
 */
struct stack {
	unsigned long ip;
	unsigned long caller;
	unsigned int n;
	bool unknown;
	const unsigned long *entry;
	/* private: */
	unsigned long entries[STACK_MAX_DEPTH + STACK_OWN_FRAMES];
};

/* Not an initializer, which would clear all of it. */
static __always_inline void stack_init(struct stack *stack, unsigned long ip,
				       unsigned long caller)
{
	stack->ip = ip;
	stack->caller = caller;
	stack->n = 0;
	stack->unknown = false;
}

/**
 * struct stack_filter - require-* and reject-* of Documentation/fault-injection
 * @depth: frames looked at, at most STACK_MAX_DEPTH
 * @require_start: a frame in this range must be there
 * @require_end: first address after it
 * @reject_start: and none in this one
 * @reject_end: first address after it
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
void stack_walk(struct stack *stack);

/*
 * The cheap half of the filter: false if a call from the return address @caller is
 * not to be failed, true if stack_matches() decides. Any context.
 */
static __always_inline bool callers_may_match(const struct callers *callers, unsigned long caller)
{
	unsigned int roles;

	if (callers_match_any(callers) || callers->roles & FRAME_ABOVE)
		return true;
	return !callers_lookup(callers, caller, &roles) ||
	       roles & (FRAME_CALLER | FRAME_WRAPPER);
}

/* The return address into the first caller that is no wrapper. As callers_roles(). */
static __always_inline unsigned long callers_site(struct callers *callers, struct stack *stack)
{
	return callers->roles & FRAME_WRAPPER ? callers_find_site(callers, stack) : stack->caller;
}

#endif /* ERRPATH_FILTER_H */
