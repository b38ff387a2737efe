// SPDX-License-Identifier: GPL-2.0
/*
 * The addresses of all functions that a name of the knob caller selects. No exported
 * function lists them. ftrace_set_filter() finds all traceable functions that match a
 * pattern, and the filter has their addresses; a notrace function is looked up by its name.
 *
 * ftrace compares the names of all functions, which takes a while, so the last results are
 * kept until a module comes or goes.
 */
#include <linux/errno.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../common/arch.h"
#include "../common/compat.h"
#include "../common/symbol.h"
#include "callers.h"
#include "scope_functions.h"

#define MEMORIES	16
#define MEMORY_NAME	96	/* a longer name is looked up each time */

/* A result: the functions of "MODULE:NAME" or "NAME". */
struct memory {
	char name[MEMORY_NAME];
	int n;
	struct scope_function functions[SCOPE_FUNCTIONS_MAX];
};

static struct memory memories[MEMORIES];
static unsigned int memories_nr;	/* results that were stored since the last forgetting */
static unsigned int generation;		/* changes when the results are forgotten */
static DEFINE_MUTEX(memories_mutex);

/* Functions that were found so far. @n: -E2BIG: too many. */
struct found {
	const char *module;
	const char *name;
	int n;
	struct scope_function *functions;
};

static void found_add(struct found *found, unsigned long addr, bool traceable)
{
	int i;

	for (i = 0; i < found->n; i++)
		if (found->functions[i].addr == addr)
			return;
	if (found->n == SCOPE_FUNCTIONS_MAX)
		found->n = -E2BIG;
	else if (found->n >= 0)
		found->functions[found->n++] = (struct scope_function) { addr, traceable };
}

/* @addr: a traceable function whose name begins with the name. */
static void found_add_if_selected(struct found *found, unsigned long addr)
{
	char *text = kmalloc(KSYM_SYMBOL_LEN, GFP_KERNEL);

	if (!text) {
		found->n = -ENOMEM;
		return;
	}
	if (callers_name_selects(found->module, found->name, addr, text))
		found_add(found, arch_function_of(addr), true);
	kfree(text);
}

/* Visit the addresses of an ftrace filter. */
static void found_add_filter(struct found *found, const struct ftrace_ops *ops)
{
	const struct compat_ftrace_hash *hash = (__force const void *)ops->func_hash->filter_hash;
	const struct compat_ftrace_entry *entry;
	unsigned long i;

	for (i = 0; i < 1UL << hash->size_bits; i++)
		hlist_for_each_entry(entry, &hash->buckets[i], hlist)
			found_add_if_selected(found, entry->ip);
}

static int find_traceable(struct found *found)
{
	struct ftrace_ops ops = {};
	char pattern[KSYM_NAME_LEN];
	int err, len;

	len = snprintf(pattern, sizeof(pattern), "%s*", found->name);
	if (len >= sizeof(pattern) || strpbrk(found->name, "*?[!"))
		return -ENOENT;
	err = ftrace_set_filter(&ops, pattern, len, 1);
	if (!err)
		found_add_filter(found, &ops);
	ftrace_free_filter(&ops);
	if (found->n < 0)
		return found->n;
	return err == -ENOMEM ? err : 0;
}

/* A function that is not traceable, and its most frequent clones. */
static int find_by_name(struct found *found)
{
	static const char * const suffixes[] = { "", ".isra.0", ".constprop.0", ".part.0" };
	char *full = kmalloc(KSYM_SYMBOL_LEN, GFP_KERNEL);
	unsigned long addr;
	int i, err = full ? 0 : -ENOMEM;

	for (i = 0; i < (found->n ? 1 : ARRAY_SIZE(suffixes)) && !err; i++) {
		snprintf(full, KSYM_SYMBOL_LEN, "%s%s%s%s", found->module ?: "",
			 found->module ? ":" : "", found->name, suffixes[i]);
		err = symbol_address(full, &addr);
		if (!err)
			found_add(found, addr, false);
		else if (err == -ENOENT)
			err = 0;
	}
	/* It may exist in a form that is not found, or only once its module is loaded. */
	if (!err && !found->n) {
		*strrchr(full, '.') = '\0';
		err = symbol_check_function(full);
		err = err == -ENOMEM ? err : err ? 0 : -ENOENT;
	}
	kfree(full);
	return err;
}

static int find(const char *module, const char *name, struct scope_function *functions)
{
	struct found found = { .module = module, .name = name, .functions = functions };
	int err = find_traceable(&found);

	if (!err)
		err = find_by_name(&found);
	return err ?: found.n;
}

static struct memory *memory_lookup(const char *key)
{
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, memories_nr, MEMORIES); i++)
		if (!strcmp(memories[i].name, key))
			return &memories[i];
	return NULL;
}

static void memory_store(const char *key, const struct scope_function *functions, int n)
{
	struct memory *memory = &memories[memories_nr++ % MEMORIES];

	strscpy(memory->name, key, sizeof(memory->name));
	memory->n = n;
	memcpy(memory->functions, functions, n * sizeof(*functions));
}

/**
 * scope_functions_find() - find the functions that a name selects
 * @module: name of their module; NULL: in the kernel and all modules
 * @name: the name, which also selects clones
 * @functions: set to the functions
 *
 * Does not find a notrace function if another function with the name is found.
 *
 * Context: may sleep; takes ftrace_lock and kprobe_mutex.
 *
 * Return: the number of @functions; 0: there is none now. Or -ENOMEM, -E2BIG (there are more),
 * or -ENOENT (there is one, but it was not found).
 */
int scope_functions_find(const char *module, const char *name,
			 struct scope_function functions[SCOPE_FUNCTIONS_MAX])
{
	const struct memory *memory;
	char key[MEMORY_NAME];
	unsigned int before;
	int n = 0;
	bool keep;

	keep = snprintf(key, sizeof(key), "%s:%s", module ?: "", name) < sizeof(key);
	mutex_lock(&memories_mutex);
	before = generation;
	memory = keep ? memory_lookup(key) : NULL;
	if (memory) {
		n = memory->n;
		memcpy(functions, memory->functions, n * sizeof(*functions));
	}
	mutex_unlock(&memories_mutex);
	if (memory)
		return n;
	n = find(module, name, functions);
	mutex_lock(&memories_mutex);
	if (keep && n >= 0 && before == generation && !memory_lookup(key))
		memory_store(key, functions, n);
	mutex_unlock(&memories_mutex);
	return n;
}

/**
 * scope_functions_forget() - look up all names again
 *
 * Call it when a module comes or goes.
 *
 * Context: may sleep.
 */
void scope_functions_forget(void)
{
	mutex_lock(&memories_mutex);
	memories_nr = 0;
	generation++;
	mutex_unlock(&memories_mutex);
}

/**
 * scope_functions_self_probe() - test that an ftrace filter has the form that is read here
 *
 * Context: may sleep.
 *
 * Return: 0, -ENOMEM, or -ENODEV after a line in the kernel log.
 */
int scope_functions_self_probe(void)
{
	struct scope_function functions[SCOPE_FUNCTIONS_MAX];
	struct found found = {
		.module = THIS_MODULE->name,
		.name = "scope_functions_self_probe",
		.functions = functions,
	};
	int err = find_traceable(&found);

	if (err == -ENOMEM)
		return err;
	if (!err && found.n == 1 && within_module(functions[0].addr, THIS_MODULE))
		return 0;
	pr_err("self-test: cannot read a filter of ftrace on this kernel: please report this line and uname -a\n");
	return -ENODEV;
}
