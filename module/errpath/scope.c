// SPDX-License-Identifier: GPL-2.0
/*
 * stack:NAME in constant time: kretprobes on the functions mark the tasks that are inside.
 * They are registered only while the point is armed.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../common/arch.h"
#include "scope.h"
#include "scope_functions.h"

/* Calls that can be inside a function at the same time; further ones are missed. */
#define SCOPE_CALLS	64

/**
 * scope_create() - create a scope without functions
 *
 * Context: may sleep.
 *
 * Return: an object for scope_free(), or NULL: no memory.
 */
struct scope *scope_create(void)
{
	return kvzalloc(sizeof(struct scope), GFP_KERNEL);
}

/* Functions that the scope does not have are walked for. */
static int scope_add_function(struct scope *scope, unsigned long addr)
{
	struct kretprobe *probe;
	int err;

	if (scope->nr == SCOPE_MAX_FUNCTIONS)
		return -E2BIG;
	probe = kzalloc(sizeof(*probe), GFP_KERNEL);
	if (!probe)
		return -ENOMEM;
	probe->kp.addr = (kprobe_opcode_t *)addr;
	probe->maxactive = SCOPE_CALLS;
	err = register_kretprobe(probe);
	if (err) {
		kfree(probe);
		return err;
	}
	scope->probe[scope->nr] = probe;
	scope->owner[scope->nr] = compat_kretprobe_id(probe);
	/* pairs with READ_ONCE() in scope_is_marked(), by the dependency */
	smp_store_release(&scope->nr, scope->nr + 1);
	return scope->owner[scope->nr - 1] ? 0 : -EOPNOTSUPP;
}

static bool scope_has_function(const struct scope *scope, unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < scope->nr; i++)
		if (scope->probe[i] && (unsigned long)scope->probe[i]->kp.addr == addr)
			return true;
	return false;
}

/**
 * scope_add() - add the functions of a name that the scope does not have yet
 * @scope: the scope; it may be in use
 * @module: name of their module; NULL: in the kernel and all modules
 * @name: the name, which also selects clones
 *
 * If a function cannot have a kretprobe, stacks are walked as long as the scope exists.
 * Calls for one scope must not run concurrently.
 *
 * Context: may sleep; takes kprobe_mutex and ftrace_lock.
 *
 * Return: 0 or -ENOMEM.
 */
int scope_add(struct scope *scope, const char *module, const char *name)
{
	unsigned long addrs[SCOPE_FUNCTIONS_MAX];
	int i, n = scope_functions_find(module, name, addrs), err;

	if (n == -ENOMEM)
		return n;
	if (n < 0)
		WRITE_ONCE(scope->partial, true);
	for (i = 0; i < n; i++) {
		if (scope_has_function(scope, addrs[i]))
			continue;
		err = scope_add_function(scope, addrs[i]);
		if (err == -ENOMEM)
			return err;
		if (err)
			WRITE_ONCE(scope->partial, true);
	}
	return 0;
}

/* No handler uses a probe that was taken out of the scope. */
static void scope_release(struct kretprobe *probe[], unsigned int n)
{
	unsigned int i;

	if (!n)
		return;
	unregister_kretprobes(probe, n);
	synchronize_rcu_expedited();
	for (i = 0; i < n; i++)
		kfree(probe[i]);
	/* Unregistering frees memory by call_rcu(), and tests compare memory counters. */
	rcu_barrier();
}

/* Take out the probes in a module, or all. Return their number. */
static unsigned int scope_take(struct scope *scope, const struct module *module,
			       struct kretprobe *taken[SCOPE_MAX_FUNCTIONS])
{
	unsigned int i, n = 0;

	for (i = 0; i < scope->nr; i++) {
		struct kretprobe *probe = scope->probe[i];

		if (!probe || (module && !within_module((unsigned long)probe->kp.addr, module)))
			continue;
		WRITE_ONCE(scope->owner[i], NULL);
		WRITE_ONCE(scope->probe[i], NULL);
		taken[n++] = probe;
	}
	return n;
}

/**
 * scope_drop_module() - remove the functions of a module that is being unloaded
 * @scope: the scope; it may be in use
 * @module: the module
 *
 * Context: may sleep.
 */
void scope_drop_module(struct scope *scope, const struct module *module)
{
	struct kretprobe *taken[SCOPE_MAX_FUNCTIONS];
	unsigned int n = scope_take(scope, module, taken);

	scope_release(taken, n);
	/* The sum of the missed calls is another one now. */
	if (n)
		memset(scope->clean, 0, sizeof(scope->clean));
}

/**
 * scope_free() - free a scope and unregister its kretprobes
 * @scope: a scope that no handler uses; or NULL
 *
 * Context: may sleep.
 */
void scope_free(struct scope *scope)
{
	struct kretprobe *taken[SCOPE_MAX_FUNCTIONS];

	if (!scope)
		return;
	scope_release(taken, scope_take(scope, NULL, taken));
	kvfree(scope);
}

/**
 * scope_is_live() - test whether the text of all functions still leads to the kretprobes
 * @scope: the scope
 *
 * All kprobes can be switched off (kprobes/enabled in debugfs). Then no task is marked.
 *
 * Context: any; @scope must not change meanwhile.
 */
bool scope_is_live(const struct scope *scope)
{
	unsigned int i;

	for (i = 0; i < scope->nr; i++)
		if (scope->probe[i] &&
		    !arch_text_is_probed((unsigned long)scope->probe[i]->kp.addr))
			return false;
	return true;
}
