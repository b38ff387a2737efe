// SPDX-License-Identifier: GPL-2.0
/*
 * From where must a call come: the direct caller, a function anywhere above,
 * address ranges on the stack. Cheap tests first; the stack is walked only when
 * a filter asks for it.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "filter.h"

/* Frames of our own and of the trampoline before the intercepted function's caller. */
#define OWN_FRAMES	12

/* A return address can be the first byte after a call that never returns. */
static bool range_has_return(const struct text_range *range, unsigned long addr)
{
	return text_range_has(range, addr - 1);
}

static bool any_range_has(const struct text_range *ranges, unsigned int n, unsigned long addr)
{
	while (n--)
		if (range_has_return(ranges++, addr))
			return true;
	return false;
}

static int add_ranges(struct text_range *ranges, unsigned int *n, const char *symbol)
{
	struct text_range parts[SYMBOL_MAX_PARTS];
	int found = symbol_ranges(symbol, parts);

	if (found < 0)
		return found;
	if (*n + found > CALLERS_MAX_RANGES)
		return -E2BIG;
	memcpy(&ranges[*n], parts, found * sizeof(*parts));
	*n += found;
	return 0;
}

static int add_word(struct callers *callers, const char *word)
{
	static const char prefix[] = "stack:";

	if (!strncmp(word, prefix, strlen(prefix)))
		return add_ranges(callers->stack, &callers->nr_stack, word + strlen(prefix));
	return add_ranges(callers->direct, &callers->nr_direct, word);
}

static int add_words(struct callers *callers, char *text, bool optional)
{
	char *word;
	int err;

	while ((word = strsep(&text, " ,\t\n"))) {
		if (!*word)
			continue;
		err = add_word(callers, word);
		if (err == -ENOENT && optional)
			continue;
		if (err) {
			pr_err("caller: %s: %s\n", word, err == -ENOENT ?
			       "this kernel has no such function out of line" : "too many callers");
			return -EINVAL;
		}
	}
	return 0;
}

/**
 * callers_parse() - from names to text ranges
 * @text: SYMBOL (the direct caller) or stack:SYMBOL (anywhere above), separated
 *	by blanks or commas; empty: any caller
 * @optional: leave out names that this kernel lacks (a point's own defaults)
 *
 * May sleep.
 *
 * Return: what kfree() frees, or after a line in the kernel log ERR_PTR() of
 * -EINVAL (unknown name, or too many), or of -ENOMEM.
 */
struct callers *callers_parse(const char *text, bool optional)
{
	struct callers *callers = kzalloc(sizeof(*callers), GFP_KERNEL);
	char *copy = kstrdup(text, GFP_KERNEL);
	int err = -ENOMEM;

	if (!callers || !copy)
		goto fail;
	err = strscpy(callers->text, text, sizeof(callers->text)) < 0 ? -EINVAL : 0;
	if (!err)
		err = add_words(callers, copy, optional);
	if (err)
		goto fail;
	kfree(copy);
	return callers;
fail:
	kfree(copy);
	kfree(callers);
	return ERR_PTR(err);
}

/**
 * callers_may_match() - the cheap half of the filter
 * @callers: the filter
 * @caller: the call's return address
 *
 * Any context.
 *
 * Return: false if the call is not to be failed, true if stack_matches() is to say.
 */
bool callers_may_match(const struct callers *callers, unsigned long caller)
{
	if (!callers->nr_direct)
		return true;
	return callers->nr_stack || any_range_has(callers->direct, callers->nr_direct, caller);
}

static bool rejects_nothing(const struct stack_filter *filter)
{
	return !filter->reject_start && !filter->reject_end;
}

static bool requires_nothing(const struct stack_filter *filter)
{
	return !filter->require_start && filter->require_end == ULONG_MAX;
}

/* The stack from the intercepted function's caller on; without our own frames. */
static unsigned int walk(unsigned long *entries, unsigned int size, unsigned long caller,
			 unsigned long **first)
{
	unsigned int i, n = stack_trace_save(entries, size, 0);

	for (i = 0; i < n; i++)
		if (entries[i] == caller)
			break;
	if (i == n)
		i = 0;
	*first = entries + i;
	return n - i;
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

static bool on_stack(const struct callers *callers, const unsigned long *entry, unsigned int n)
{
	for (; n--; entry++)
		if (any_range_has(callers->stack, callers->nr_stack, *entry))
			return true;
	return false;
}

/**
 * stack_matches() - the dear half of the filter
 * @callers: the filter by symbols, already passed by callers_may_match()
 * @filter: the filter by addresses
 * @caller: the call's return address
 *
 * Any context.
 */
bool stack_matches(const struct callers *callers, const struct stack_filter *filter,
		   unsigned long caller)
{
	unsigned long entries[STACK_MAX_DEPTH + OWN_FRAMES], *first;
	bool caller_ok = !callers->nr_stack ||
			 any_range_has(callers->direct, callers->nr_direct, caller);
	unsigned int n;

	if (caller_ok && requires_nothing(filter) && rejects_nothing(filter))
		return true;
	n = walk(entries, ARRAY_SIZE(entries), caller, &first);
	n = min_t(unsigned int, n, filter->depth);
	return (caller_ok || on_stack(callers, first, n)) && ranges_pass(filter, first, n);
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
