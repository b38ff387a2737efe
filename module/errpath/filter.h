/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_FILTER_H
#define ERRPATH_FILTER_H

#include <linux/types.h>

#include "../common/symbol.h"

#define CALLERS_TEXT_SIZE	512
#define CALLERS_MAX_RANGES	32
#define CALLERS_MAX_SKIP	128
#define STACK_MAX_DEPTH		32

/* Frames of our own and of the trampoline before the intercepted function's caller. */
#define STACK_OWN_FRAMES	12

/**
 * struct callers_names - from where a call must come, in names
 * @callers: SYMBOL (the direct caller) or stack:SYMBOL (anywhere above), separated
 *	by blanks or commas; empty: any caller
 * @helpers: functions that call on behalf of others, or NULL
 * @skip: functions below which nothing is failed, or NULL
 * @nested: add to these the functions with such a name; NULL-terminated, or NULL
 * @callers_optional: leave out names of @callers that this kernel lacks
 * @skip_optional: the same for @skip
 */
struct callers_names {
	const char *callers;
	const char *helpers;
	const char *skip;
	const char * const *nested;
	bool callers_optional;
	bool skip_optional;
};

/**
 * struct callers - from where a call must come to be failed
 * @text: as written
 * @skip_text: the same of @skip
 * @nr_direct: how many of @direct are in use; any one of them will do
 * @nr_stack: the same for @stack
 * @nr_helpers: the same for @helpers
 * @nr_skip: the same for @skip
 * @direct: the function that calls, or has a helper call
 * @stack: a function anywhere above
 * @helpers: functions that call on behalf of others
 * @skip: functions of which none may be above
 *
 * Never changed once a point uses it: replaced whole.
 */
struct callers {
	char text[CALLERS_TEXT_SIZE];
	char skip_text[CALLERS_TEXT_SIZE];
	unsigned int nr_direct;
	unsigned int nr_stack;
	unsigned int nr_helpers;
	unsigned int nr_skip;
	struct text_range direct[CALLERS_MAX_RANGES];
	struct text_range stack[CALLERS_MAX_RANGES];
	struct text_range helpers[CALLERS_MAX_RANGES];
	struct text_range skip[CALLERS_MAX_SKIP];
};

/**
 * struct stack - the stack of one call, walked when somebody first asks for it
 * @ip: where in the intercepted function it is
 * @caller: the call's return address
 * @n: frames from the caller upwards, once walked
 * @entry: them
 */
struct stack {
	unsigned long ip;
	unsigned long caller;
	unsigned int n;
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

struct callers *callers_parse(const struct callers_names *names);
bool callers_may_match(const struct callers *callers, unsigned long caller);
unsigned long callers_find_site(const struct callers *callers, struct stack *stack);
bool stack_matches(const struct callers *callers, const struct stack_filter *filter,
		   struct stack *stack, unsigned long site);
void stack_filter_init(struct stack_filter *filter);
void stack_walk(struct stack *stack);

/* Who is to be called the caller, where functions call on behalf of others. */
static __always_inline unsigned long callers_site(const struct callers *callers,
						  struct stack *stack)
{
	return callers->nr_helpers ? callers_find_site(callers, stack) : stack->caller;
}

#endif /* ERRPATH_FILTER_H */
