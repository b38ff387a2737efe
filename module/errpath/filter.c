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

/* One of the lists of ranges in struct callers. */
struct range_list {
	struct text_range *ranges;
	unsigned int *n;
	unsigned int max;
};

static int add_ranges(const struct range_list *list, const char *symbol)
{
	struct text_range parts[SYMBOL_MAX_PARTS];
	int found = symbol_ranges(symbol, parts);

	if (found < 0)
		return found;
	if (*list->n + found > list->max)
		return -E2BIG;
	memcpy(&list->ranges[*list->n], parts, found * sizeof(*parts));
	*list->n += found;
	return 0;
}

static int add_caller(struct callers *callers, const char *word)
{
	static const char prefix[] = "stack:";
	struct range_list direct = { callers->direct, &callers->nr_direct, CALLERS_MAX_RANGES };
	struct range_list stack = { callers->stack, &callers->nr_stack, CALLERS_MAX_RANGES };

	if (!strncmp(word, prefix, strlen(prefix)))
		return add_ranges(&stack, word + strlen(prefix));
	return add_ranges(&direct, word);
}

static int add_helper(struct callers *callers, const char *word)
{
	struct range_list list = { callers->helpers, &callers->nr_helpers, CALLERS_MAX_RANGES };

	return add_ranges(&list, word);
}

static int add_skip(struct callers *callers, const char *word)
{
	struct range_list list = { callers->skip, &callers->nr_skip, CALLERS_MAX_SKIP };

	return add_ranges(&list, word);
}

typedef int (*add_fn)(struct callers *callers, const char *word);

static int add_word(struct callers *callers, const char *word, bool optional, add_fn add)
{
	int err = add(callers, word);

	if (!err || (err == -ENOENT && optional))
		return 0;
	pr_err("caller: %s: %s\n", word, err == -ENOENT ?
	       "this kernel has no such function out of line" : "too many callers");
	return -EINVAL;
}

static int add_words(struct callers *callers, const char *words, bool optional, add_fn add)
{
	char *copy = kstrdup(words ?: "", GFP_KERNEL), *rest = copy, *word;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (word = strsep(&rest, " ,\t\n")))
		err = *word ? add_word(callers, word, optional, add) : 0;
	kfree(copy);
	return err;
}

static int add_nested(struct callers *callers, const char * const *name)
{
	int err = 0;

	while (!err && name && *name)
		err = add_word(callers, *name++, true, add_skip);
	return err;
}

/**
 * callers_parse() - from names to text ranges
 * @names: see there
 *
 * May sleep.
 *
 * Return: what kfree() frees, or after a line in the kernel log ERR_PTR() of
 * -EINVAL (unknown name, or too many), or of -ENOMEM.
 */
struct callers *callers_parse(const struct callers_names *names)
{
	struct callers *callers = kzalloc(sizeof(*callers), GFP_KERNEL);
	int err;

	if (!callers)
		return ERR_PTR(-ENOMEM);
	err = strscpy(callers->text, names->callers, sizeof(callers->text)) < 0 ||
	      strscpy(callers->skip_text, names->skip ?: "", sizeof(callers->skip_text)) < 0 ?
	      -EINVAL : 0;
	err = err ?: add_words(callers, names->callers, names->callers_optional, add_caller);
	err = err ?: add_words(callers, names->helpers, true, add_helper);
	err = err ?: add_words(callers, names->skip, names->skip_optional, add_skip);
	err = err ?: add_nested(callers, names->nested);
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
		if (i == n)
			i = 0;
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

static bool on_stack(const struct text_range *ranges, unsigned int nr_ranges,
		     const unsigned long *entry, unsigned int n)
{
	for (; n--; entry++)
		if (any_range_has(ranges, nr_ranges, *entry))
			return true;
	return false;
}

/**
 * callers_find_site() - the first frame that is no helper's
 * @callers: knows the helpers
 * @stack: of the call
 *
 * Any context; walks the stack if a helper calls.
 */
unsigned long callers_find_site(const struct callers *callers, struct stack *stack)
{
	unsigned int i;

	if (!is_helper(callers, stack->caller))
		return stack->caller;
	walk(stack);
	for (i = 0; i < stack->n; i++)
		if (!is_helper(callers, stack->entry[i]))
			return stack->entry[i];
	return stack->caller;
}

/**
 * stack_matches() - the dear half of the filter
 * @callers: the filter by symbols, already passed by callers_may_match()
 * @filter: the filter by addresses
 * @stack: of the call
 * @site: what callers_site() makes of that
 *
 * Any context.
 */
bool stack_matches(const struct callers *callers, const struct stack_filter *filter,
		   struct stack *stack, unsigned long site)
{
	bool site_ok = any_range_has(callers->direct, callers->nr_direct, site) ||
		       (!callers->nr_direct && !callers->nr_stack);
	unsigned int n;

	if (!site_ok && !callers->nr_stack)
		return false;
	if (site_ok && !callers->nr_skip && requires_nothing(filter) && rejects_nothing(filter))
		return true;
	walk(stack);
	n = min_t(unsigned int, stack->n, filter->depth);
	return (site_ok || on_stack(callers->stack, callers->nr_stack, stack->entry, n)) &&
	       ranges_pass(filter, stack->entry, n) &&
	       !on_stack(callers->skip, callers->nr_skip, stack->entry, stack->n);
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
