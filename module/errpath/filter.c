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

static int add_helper(struct callers *callers, const char *word)
{
	return add_ranges(callers->helpers, &callers->nr_helpers, word);
}

static int add_words(struct callers *callers, const char *words, bool optional,
		     int (*add)(struct callers *callers, const char *word))
{
	char *copy = kstrdup(words, GFP_KERNEL), *rest = copy, *word;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (word = strsep(&rest, " ,\t\n"))) {
		if (!*word)
			continue;
		err = add(callers, word);
		if (err == -ENOENT && optional)
			err = 0;
		if (err) {
			pr_err("caller: %s: %s\n", word, err == -ENOENT ?
			       "this kernel has no such function out of line" : "too many callers");
			err = -EINVAL;
		}
	}
	kfree(copy);
	return err;
}

/**
 * callers_parse() - from names to text ranges
 * @text: SYMBOL (the direct caller) or stack:SYMBOL (anywhere above), separated
 *	by blanks or commas; empty: any caller
 * @helpers: names of functions that call on behalf of others, or NULL
 * @optional: leave out names that this kernel lacks (a point's own defaults)
 *
 * May sleep.
 *
 * Return: what kfree() frees, or after a line in the kernel log ERR_PTR() of
 * -EINVAL (unknown name, or too many), or of -ENOMEM.
 */
struct callers *callers_parse(const char *text, const char *helpers, bool optional)
{
	struct callers *callers = kzalloc(sizeof(*callers), GFP_KERNEL);
	int err;

	if (!callers)
		return ERR_PTR(-ENOMEM);
	err = strscpy(callers->text, text, sizeof(callers->text)) < 0 ? -EINVAL : 0;
	err = err ?: add_words(callers, text, optional, add_word);
	err = err ?: add_words(callers, helpers ?: "", true, add_helper);
	if (!err)
		return callers;
	kfree(callers);
	return ERR_PTR(err);
}

static bool is_helper(const struct callers *callers, unsigned long addr)
{
	return any_range_has(callers->helpers, callers->nr_helpers, addr);
}

/* Out of line: the point without helpers should not pay for its stack frame. */
static noinline bool is_helper_or_direct(const struct callers *callers, unsigned long addr)
{
	return is_helper(callers, addr) ||
	       any_range_has(callers->direct, callers->nr_direct, addr);
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
	if (!callers->nr_direct || callers->nr_stack)
		return true;
	if (unlikely(callers->nr_helpers))
		return is_helper_or_direct(callers, caller);
	return any_range_has(callers->direct, callers->nr_direct, caller);
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
 * callers_find_site() - the first frame that is no helper's
 * @callers: knows the helpers
 * @caller: the call's return address
 *
 * Any context; walks the stack if a helper calls.
 */
unsigned long callers_find_site(const struct callers *callers, unsigned long caller)
{
	unsigned long entries[STACK_MAX_DEPTH + OWN_FRAMES], *entry;
	unsigned int n;

	if (!is_helper(callers, caller))
		return caller;
	for (n = walk(entries, ARRAY_SIZE(entries), caller, &entry); n--; entry++)
		if (!is_helper(callers, *entry))
			return *entry;
	return caller;
}

/**
 * stack_matches() - the dear half of the filter
 * @callers: the filter by symbols, already passed by callers_may_match()
 * @filter: the filter by addresses
 * @caller: the call's return address
 * @site: what callers_site() makes of that
 *
 * Any context.
 */
bool stack_matches(const struct callers *callers, const struct stack_filter *filter,
		   unsigned long caller, unsigned long site)
{
	unsigned long entries[STACK_MAX_DEPTH + OWN_FRAMES], *first;
	bool site_ok = any_range_has(callers->direct, callers->nr_direct, site) ||
		       (!callers->nr_direct && !callers->nr_stack);
	unsigned int n;

	if (!site_ok && !callers->nr_stack)
		return false;
	if (site_ok && requires_nothing(filter) && rejects_nothing(filter))
		return true;
	n = walk(entries, ARRAY_SIZE(entries), caller, &first);
	n = min_t(unsigned int, n, filter->depth);
	return (site_ok || on_stack(callers, first, n)) && ranges_pass(filter, first, n);
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
