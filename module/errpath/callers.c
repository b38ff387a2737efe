// SPDX-License-Identifier: GPL-2.0
/*
 * Filters by function names: the direct caller, a function anywhere above, and functions
 * below which no call fails.
 */
#include <linux/errno.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../common/symbol.h"
#include "callers.h"

#define SEPARATORS	" ,\t\n"
#define STACK_PREFIX	"stack:"

typedef int (*word_fn)(const char *word, void *data);

/* Call @each for each word of @text until it returns an error. */
static int callers_visit_words(const char *text, word_fn each, void *data)
{
	char *copy = kstrdup(text ?: "", GFP_KERNEL), *rest = copy, *word;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (word = strsep(&rest, SEPARATORS)))
		err = *word ? each(word, data) : 0;
	kfree(copy);
	return err;
}

static const char *without_prefix(const char *word)
{
	return word + (str_has_prefix(word, STACK_PREFIX));
}

static int callers_check_word(const char *word, void *data)
{
	const char *name = without_prefix(word);
	int err;

	if (name != word && !*(bool *)data) {
		pr_err("%s: only the knob caller accepts the prefix " STACK_PREFIX "\n", word);
		return -EINVAL;
	}
	err = *name ? symbol_check_function(name) : -ENOENT;
	if (err == -EAGAIN) {
		pr_info("%s: its module is not loaded: the name takes effect when it is\n", word);
		return 0;
	}
	if (err == -ENOENT) {
		pr_err("%s: this kernel has no such function, or the compiler inlined it; for a module that is not loaded yet write MODULE:NAME\n",
		       word);
		return -EINVAL;
	}
	return err;
}

/**
 * callers_check() - test whether all functions of a list exist
 * @text: the list
 * @with_stack: allow names with the prefix stack:
 *
 * Context: may sleep; takes kprobe_mutex.
 *
 * Return: 0, -ENOMEM, or -EINVAL after a line in the kernel log: a function does not
 * exist, and is not in a module that can still be loaded.
 */
int callers_check(const char *text, bool with_stack)
{
	return callers_visit_words(text, callers_check_word, &with_stack);
}

static int callers_word_exists(const char *word, void *data)
{
	int err = symbol_check_function(without_prefix(word));

	if (err == -ENOENT)
		return 0;
	/* 1 is not an error; it ends the search. */
	return err == -ENOMEM ? err : 1;
}

/**
 * callers_any_exists() - test whether a list has a function that exists
 * @text: the list
 *
 * Context: as callers_check().
 *
 * Return: 1, 0, or -ENOMEM.
 */
int callers_any_exists(const char *text)
{
	return callers_visit_words(text, callers_word_exists, NULL);
}

/* State of parsing, from one word to the next. @end: end of the used part of words. */
struct callers_builder {
	struct callers *callers;
	unsigned int role;
	char *end;
};

static int callers_add_word(const char *word, void *data)
{
	struct callers_builder *builder = data;
	struct callers *callers = builder->callers;
	struct callers_name *name = &callers->names[callers->nr];
	char *colon;

	if (callers->nr == CALLERS_MAX_NAMES) {
		pr_err("%s: a point has at most %d functions in caller and skip\n", word,
		       CALLERS_MAX_NAMES);
		return -EINVAL;
	}
	name->role = builder->role;
	if (name->role == FRAME_CALLER && str_has_prefix(word, STACK_PREFIX)) {
		name->role = FRAME_ABOVE;
		word = without_prefix(word);
	}
	memcpy(builder->end, word, strlen(word) + 1);
	name->name = builder->end;
	builder->end += strlen(word) + 1;
	colon = strchr(name->name, ':');
	if (colon) {
		*colon = '\0';
		name->module = name->name;
		name->name = colon + 1;
	}
	callers->roles |= name->role;
	callers->nr++;
	return 0;
}

static int callers_add_list(struct callers_builder *builder, const char *text, unsigned int role)
{
	builder->role = role;
	return callers_visit_words(text, callers_add_word, builder);
}

static int callers_add_lists(struct callers *callers, const struct callers_lists *lists)
{
	struct callers_builder builder = { .callers = callers, .end = callers->words };
	const char * const *nested;
	int err = callers_add_list(&builder, lists->caller, FRAME_CALLER);

	if (!err)
		err = callers_add_list(&builder, lists->wrappers, FRAME_WRAPPER);
	if (!err)
		err = callers_add_list(&builder, lists->skip, FRAME_SKIP);
	for (nested = lists->nested; nested && *nested && !err; nested++)
		err = callers_add_list(&builder, *nested, FRAME_SKIP);
	return err;
}

/* Size of all words with their NULs: in a list, a separator stands for each NUL. */
static size_t callers_words_size(const struct callers_lists *lists)
{
	const char * const *nested;
	size_t size = strlen(lists->caller) + strlen(lists->skip) + 2;

	if (lists->wrappers)
		size += strlen(lists->wrappers) + 1;
	for (nested = lists->nested; nested && *nested; nested++)
		size += strlen(*nested) + 1;
	return size;
}

/**
 * callers_create() - parse lists of functions
 * @lists: the lists; the functions need not exist
 *
 * Context: may sleep.
 *
 * Return: an object for callers_free(), or ERR_PTR() of -ENOMEM or, after a line in the
 * kernel log, -EINVAL (the text is too long, or has too many names).
 */
struct callers *callers_create(const struct callers_lists *lists)
{
	struct callers *callers = kvzalloc(sizeof(*callers), GFP_KERNEL);
	int err = -ENOMEM;

	if (!callers)
		return ERR_PTR(-ENOMEM);
	callers->words = kzalloc(callers_words_size(lists), GFP_KERNEL);
	if (!callers->words)
		goto fail;
	err = -EINVAL;
	if (strscpy(callers->caller_text, lists->caller, CALLERS_TEXT_SIZE) < 0 ||
	    strscpy(callers->skip_text, lists->skip, CALLERS_TEXT_SIZE) < 0) {
		pr_err("a list of functions has at most %d characters\n", CALLERS_TEXT_SIZE - 1);
		goto fail;
	}
	err = callers_add_lists(callers, lists);
	if (err)
		goto fail;
	return callers;

fail:
	callers_free(callers);
	return ERR_PTR(err);
}

/**
 * callers_free() - free parsed lists
 * @callers: from callers_create(), not used by any handler; or NULL
 */
void callers_free(struct callers *callers)
{
	callers_close_scope(callers);
	if (callers)
		kfree(callers->words);
	kvfree(callers);
}

/**
 * callers_forget() - empty the cache of return addresses
 * @callers: the lists; handlers may use them meanwhile
 *
 * Call it when a module is loaded: its functions can get addresses that belonged to
 * another module. The kernel waited for RCU before it freed that module, so no look-up
 * of one of its functions is still running.
 *
 * Context: any.
 */
void callers_forget(struct callers *callers)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(callers->cache); i++)
		WRITE_ONCE(callers->cache[i], 0);
}

/* Add the functions of all names with the prefix stack: to a scope. */
static int callers_add_to_scope(const struct callers *callers, struct scope *scope)
{
	const struct callers_name *name;
	int err = 0;

	for (name = callers->names; name < callers->names + callers->nr && !err; name++)
		if (name->role == FRAME_ABOVE)
			err = scope_add(scope, name->module, name->name);
	return err;
}

/**
 * callers_open_scope() - begin to mark the tasks that are inside a function named by stack:
 * @callers: the lists; no handler uses them
 *
 * Context: may sleep; takes kprobe_mutex and ftrace_lock.
 *
 * Return: 0 or -ENOMEM.
 */
int callers_open_scope(struct callers *callers)
{
	struct scope *scope;
	int err;

	if (callers->scope || !(callers->roles & FRAME_ABOVE))
		return 0;
	scope = scope_create();
	if (!scope)
		return -ENOMEM;
	err = callers_add_to_scope(callers, scope);
	if (err)
		scope_free(scope);
	else
		callers->scope = scope;
	return err;
}

/**
 * callers_close_scope() - stop marking tasks
 * @callers: the lists, not used by any handler; or NULL
 *
 * Context: may sleep.
 */
void callers_close_scope(struct callers *callers)
{
	if (!callers)
		return;
	scope_free(callers->scope);
	callers->scope = NULL;
}

/**
 * callers_module_coming() - extend the scope to the functions of a module
 * @callers: the lists
 *
 * Context: may sleep; takes kprobe_mutex and ftrace_lock.
 */
void callers_module_coming(struct callers *callers)
{
	if (!callers->scope || !callers_add_to_scope(callers, callers->scope))
		return;
	pr_warn("no memory to mark the tasks in a function of a new module: stacks are walked\n");
	WRITE_ONCE(callers->scope->partial, true);
}

/* "foo" matches foo, foo.cold, foo.isra.0, ...; "foo.isra.0" matches itself and its cold part. */
static bool name_matches(const char *name, const char *symbol)
{
	size_t len = strlen(name);

	if (strncmp(symbol, name, len))
		return false;
	if (strchr(name, '.'))
		return !symbol[len] || !strcmp(symbol + len, ".cold");
	return !symbol[len] || symbol[len] == '.';
}

/* Cut "NAME [MODULE]" into its parts. Return the module, or NULL if there is none. */
static const char *split_module(char *text)
{
	char *module = strstr(text, " [");

	if (!module)
		return NULL;
	*module = '\0';
	module += strlen(" [");
	module[strcspn(module, " ]")] = '\0';
	return module;
}

/**
 * callers_name_selects() - test whether a name selects the function at an address
 * @module: module of the name; NULL: any
 * @name: the name
 * @addr: an address in the function
 * @text: scratch memory of KSYM_SYMBOL_LEN bytes
 *
 * Context: any.
 */
bool callers_name_selects(const char *module, const char *name, unsigned long addr, char *text)
{
	const char *its_module;

	sprint_symbol_no_offset(text, addr);
	its_module = split_module(text);
	if (module && (!its_module || strcmp(its_module, module)))
		return false;
	return name_matches(name, text);
}

/* Symbols as text, too large for the stack. */
static DEFINE_PER_CPU(char [CALLERS_CONTEXTS][KSYM_SYMBOL_LEN], symbol_text);

/**
 * callers_resolve() - look up the roles of a return address by its function's name
 * @callers: the lists; their cache is updated
 * @addr: the return address
 *
 * Code of errpath itself always has FRAME_SKIP: a task whose allocations fail must still
 * be able to write to the knobs.
 *
 * Context: any, but preemption is disabled, and calls do not nest within one context
 * (task, softirq, hardirq, NMI) of a CPU.
 *
 * Return: FRAME_* bits.
 */
unsigned int __kprobes callers_resolve(struct callers *callers, unsigned long addr)
{
	char *symbol = *this_cpu_ptr(&symbol_text[interrupt_context_level()]);
	const struct callers_name *name;
	unsigned int roles = 0;
	const char *module;

	/* After a call that never returns, the return address can be in the next function. */
	sprint_symbol_no_offset(symbol, addr - 1);
	module = split_module(symbol);
	if (module && !strcmp(module, THIS_MODULE->name))
		roles = FRAME_SKIP;
	for (name = callers->names; name < callers->names + callers->nr; name++) {
		if (name->module && (!module || strcmp(module, name->module)))
			continue;
		if (name_matches(name->name, symbol))
			roles |= name->role;
	}
	WRITE_ONCE(callers->cache[hash_long(addr, CALLERS_CACHE_BITS)], (u64)addr << 4 | roles);
	return roles;
}
