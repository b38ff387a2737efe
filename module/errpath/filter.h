/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_FILTER_H
#define ERRPATH_FILTER_H

#include <linux/types.h>

#include "../common/symbol.h"

#define CALLERS_TEXT_SIZE	512
#define CALLERS_MAX_RANGES	32
#define STACK_MAX_DEPTH		32

/**
 * struct callers - from where a call must come to be failed
 * @text: as written
 * @nr_direct: how many of @direct are in use; any one of them will do
 * @nr_stack: the same for @stack
 * @nr_helpers: the same for @helpers
 * @direct: the function that calls, or has a helper call
 * @stack: a function anywhere above
 * @helpers: functions that call on behalf of others
 *
 * Never changed once a point uses it: replaced whole.
 */
struct callers {
	char text[CALLERS_TEXT_SIZE];
	unsigned int nr_direct;
	unsigned int nr_stack;
	unsigned int nr_helpers;
	struct text_range direct[CALLERS_MAX_RANGES];
	struct text_range stack[CALLERS_MAX_RANGES];
	struct text_range helpers[CALLERS_MAX_RANGES];
};

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

struct callers *callers_parse(const char *text, const char *helpers, bool optional);
bool callers_may_match(const struct callers *callers, unsigned long caller);
unsigned long callers_find_site(const struct callers *callers, unsigned long caller);
bool stack_matches(const struct callers *callers, const struct stack_filter *filter,
		   unsigned long caller, unsigned long site);
void stack_filter_init(struct stack_filter *filter);

/* Who is to be called the caller, where functions call on behalf of others. */
static __always_inline unsigned long callers_site(const struct callers *callers,
						  unsigned long caller)
{
	return callers->nr_helpers ? callers_find_site(callers, caller) : caller;
}

#endif /* ERRPATH_FILTER_H */
