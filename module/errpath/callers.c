// SPDX-License-Identifier: GPL-2.0
/*
 * Functions by name: who may call, what must be above, below what nothing fails.
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

/* Calls @each for each word; stops at its first error. */
static int call_for_words(const char *text, word_fn each, void *data)
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

static int check_word(const char *word, void *data)
{
	const char *name = without_prefix(word);
	int err;

	if (name != word && !*(bool *)data) {
		pr_err("%s: only a caller can have the prefix " STACK_PREFIX "\n", word);
		return -EINVAL;
	}
	err = *name ? symbol_check_function(name) : -ENOENT;
	if (err == -EAGAIN) {
		pr_info("%s: waits for its module\n", word);
		return 0;
	}
	if (err == -ENOENT) {
		pr_err("%s: this kernel has no such function out of line; one of a module that is not loaded yet is written MODULE:NAME\n",
		       word);
		return -EINVAL;
	}
	return err;
}

/**
 * callers_check() - do all functions of a list exist
 * @text: the list
 * @with_stack: names may have the prefix stack:
 *
 * Context: may sleep; takes kprobe_mutex.
 *
 * Return: 0, -ENOMEM, or -EINVAL after a line in the kernel log: a function does
 * not exist, and is not one of a module that can still come.
 */
int callers_check(const char *text, bool with_stack)
{
	return call_for_words(text, check_word, &with_stack);
}

static int exists(const char *word, void *data)
{
	int err = symbol_check_function(without_prefix(word));

	if (err == -ENOENT)
		return 0;
	/* 1 is no error: it ends the search. */
	return err == -ENOMEM ? err : 1;
}

/**
 * callers_any_exists() - does any function of a list exist
 * @text: the list; an empty one has none
 *
 * Context: as callers_check().
 *
 * Return: 1, 0, or -ENOMEM.
 */
int callers_any_exists(const char *text)
{
	return call_for_words(text, exists, NULL);
}

/* Where add_word() puts the words that it is called for. */
struct adding {
	struct callers *callers;
	unsigned int role;
	char *end;
};

static int add_word(const char *word, void *data)
{
	struct adding *adding = data;
	struct callers *callers = adding->callers;
	struct callers_name *name = &callers->names[callers->nr];
	char *colon;

	if (callers->nr == CALLERS_MAX_NAMES) {
		pr_err("%s: more than %d functions\n", word, CALLERS_MAX_NAMES);
		return -EINVAL;
	}
	name->role = adding->role;
	if (name->role == FRAME_CALLER && str_has_prefix(word, STACK_PREFIX)) {
		name->role = FRAME_ABOVE;
		word = without_prefix(word);
	}
	memcpy(adding->end, word, strlen(word) + 1);
	name->name = adding->end;
	adding->end += strlen(word) + 1;
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

static int add_list(struct adding *adding, const char *text, unsigned int role)
{
	adding->role = role;
	return call_for_words(text, add_word, adding);
}

static int add_lists(struct callers *callers, const struct callers_lists *lists)
{
	struct adding adding = { .callers = callers, .end = callers->words };
	const char * const *nested;
	int err = add_list(&adding, lists->caller, FRAME_CALLER);

	if (!err)
		err = add_list(&adding, lists->wrappers, FRAME_WRAPPER);
	if (!err)
		err = add_list(&adding, lists->skip, FRAME_SKIP);
	for (nested = lists->nested; nested && *nested && !err; nested++)
		err = add_list(&adding, *nested, FRAME_SKIP);
	return err;
}

/* Room for all words, each with its end: a list has at least one separator between two. */
static size_t words_size(const struct callers_lists *lists)
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
 * @lists: the lists; whether the functions exist is not asked
 *
 * Context: may sleep.
 *
 * Return: what callers_free() takes, or ERR_PTR() of -ENOMEM or, after a line in the
 * kernel log, -EINVAL (text too long, or too many names).
 */
struct callers *callers_create(const struct callers_lists *lists)
{
	struct callers *callers = kvzalloc(sizeof(*callers), GFP_KERNEL);
	int err = -ENOMEM;

	if (!callers)
		return ERR_PTR(-ENOMEM);
	callers->words = kzalloc(words_size(lists), GFP_KERNEL);
	if (!callers->words)
		goto fail;
	err = -EINVAL;
	if (strscpy(callers->caller_text, lists->caller, CALLERS_TEXT_SIZE) < 0 ||
	    strscpy(callers->skip_text, lists->skip, CALLERS_TEXT_SIZE) < 0) {
		pr_err("a list of functions has at most %d characters\n", CALLERS_TEXT_SIZE - 1);
		goto fail;
	}
	err = add_lists(callers, lists);
	if (err)
		goto fail;
	return callers;

fail:
	callers_free(callers);
	return ERR_PTR(err);
}

/**
 * callers_free() - free what callers_create() returned
 * @callers: no handler uses it any more; or NULL
 */
void callers_free(struct callers *callers)
{
	if (callers)
		kfree(callers->words);
	kvfree(callers);
}

/**
 * callers_forget() - look every return address up again
 * @callers: may be in use
 *
 * To be called when a module comes: a function of it can have an address that was a
 * function of another module. The kernel waited for RCU before it freed that one, so
 * no look-up of the old function is still under way.
 *
 * Context: any.
 */
void callers_forget(struct callers *callers)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(callers->cache); i++)
		WRITE_ONCE(callers->cache[i], 0);
}

/* "foo" names foo, foo.cold, foo.isra.0, ...; "foo.isra.0" that one and its cold part. */
static bool name_matches(const char *name, const char *symbol)
{
	size_t len = strlen(name);

	if (strncmp(symbol, name, len))
		return false;
	if (strchr(name, '.'))
		return !symbol[len] || !strcmp(symbol + len, ".cold");
	return !symbol[len] || symbol[len] == '.';
}

/* "NAME [MODULE]", or "NAME", which is cut into its parts. */
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

/* Too large for a task's stack. */
static DEFINE_PER_CPU(char [CALLERS_CONTEXTS][KSYM_SYMBOL_LEN], symbol_text);

/**
 * callers_resolve() - look a return address up by its function's name
 * @callers: the names; its cache takes the answer
 * @addr: a return address
 *
 * Code of errpath itself is always to be skipped: a task that fails must still be
 * able to write the knobs.
 *
 * Context: any; preemption is off, and in this context of the CPU it is not nested.
 *
 * Return: FRAME_* bits.
 */
unsigned int __kprobes callers_resolve(struct callers *callers, unsigned long addr)
{
	char *symbol = *this_cpu_ptr(&symbol_text[interrupt_context_level()]);
	const struct callers_name *name;
	unsigned int roles = 0;
	const char *module;

	/* A return address can be the first byte after a call that never returns. */
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
