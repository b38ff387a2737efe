/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_FILTER_H
#define ERRPATH_FILTER_H

#include <linux/types.h>

#include "callers.h"

#define STACK_MAX_DEPTH		32

/* Frames of errpath and of the trampoline before the intercepted function's caller. */
#define STACK_OWN_FRAMES	12

/**
 * struct stack - the stack of one call, walked when it is first needed
 * @ip: address in the intercepted function
 * @caller: the call's return address
 * @n: number of frames in @entry; 0: not walked yet
 * @entry: return addresses, from the caller upwards
 * @unknown: the unwinder did not find the caller; @entry has only the caller
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

/* Not an initializer, which would also clear @entries. */
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
void stack_walk(struct stack *stack);

/*
 * Apply the filters that do not need the stack. False: a call with the return address
 * @caller does not match. True: stack_matches() decides. Any context.
 */
static __always_inline bool callers_may_match(const struct callers *callers, unsigned long caller)
{
	unsigned int roles;

	if (callers_match_any(callers) || callers->roles & FRAME_ABOVE)
		return true;
	return !callers_lookup(callers, caller, &roles) ||
	       roles & (FRAME_CALLER | FRAME_WRAPPER);
}

/* Return the return address in the first caller that is not a wrapper. As callers_roles(). */
static __always_inline unsigned long callers_site(struct callers *callers, struct stack *stack)
{
	return callers->roles & FRAME_WRAPPER ? callers_find_site(callers, stack) : stack->caller;
}

#endif /* ERRPATH_FILTER_H */
