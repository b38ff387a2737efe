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
#include "../common/intercept.h"
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

static int scope_probe_register(struct scope_probe *probe, const struct scope_function *function)
{
	kprobe_opcode_t *addr = (kprobe_opcode_t *)function->addr;
	int err = 0;

	probe->call.kp.addr = addr;
	probe->call.maxactive = SCOPE_CALLS;
	if (!function->traceable) {
		probe->breakpoint.addr = addr;
		probe->breakpoint.post_handler = intercept_keep_breakpoint;
		err = register_kprobe(&probe->breakpoint);
	}
	if (err)
		return err;
	err = register_kretprobe(&probe->call);
	if (err && probe->breakpoint.addr)
		unregister_kprobe(&probe->breakpoint);
	return err;
}

static int scope_add_function(struct scope *scope, const struct scope_function *function)
{
	struct scope_probe *probe;
	int err;

	if (scope->nr == SCOPE_MAX_FUNCTIONS)
		return -E2BIG;
	probe = kzalloc(sizeof(*probe), GFP_KERNEL);
	if (!probe)
		return -ENOMEM;
	err = scope_probe_register(probe, function);
	if (err) {
		kfree(probe);
		return err;
	}
	scope->probe[scope->nr] = probe;
	scope->owner[scope->nr] = compat_kretprobe_id(&probe->call);
	/* pairs with READ_ONCE() in scope_is_marked(), by the dependency */
	smp_store_release(&scope->nr, scope->nr + 1);
	return scope->owner[scope->nr - 1] ? 0 : -EOPNOTSUPP;
}

static unsigned long scope_probe_addr(const struct scope_probe *probe)
{
	return (unsigned long)probe->call.kp.addr;
}

static bool scope_has_function(const struct scope *scope, unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < scope->nr; i++)
		if (scope->probe[i] && scope_probe_addr(scope->probe[i]) == addr)
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
	struct scope_function functions[SCOPE_FUNCTIONS_MAX];
	int i, n = scope_functions_find(module, name, functions), err;

	if (n == -ENOMEM)
		return n;
	if (n < 0)
		WRITE_ONCE(scope->partial, true);
	for (i = 0; i < n; i++) {
		if (scope_has_function(scope, functions[i].addr))
			continue;
		err = scope_add_function(scope, &functions[i]);
		if (err == -ENOMEM)
			return err;
		if (err)
			WRITE_ONCE(scope->partial, true);
	}
	return 0;
}

/* The breakpoints last: what stays alone at an address may be optimised. */
static void scope_unregister(struct scope_probe *probe[], unsigned int n)
{
	struct kretprobe *calls[SCOPE_MAX_FUNCTIONS];
	struct kprobe *breakpoints[SCOPE_MAX_FUNCTIONS];
	unsigned int i, nr_breakpoints = 0;

	for (i = 0; i < n; i++) {
		calls[i] = &probe[i]->call;
		if (probe[i]->breakpoint.addr)
			breakpoints[nr_breakpoints++] = &probe[i]->breakpoint;
	}
	unregister_kretprobes(calls, n);
	if (nr_breakpoints)
		unregister_kprobes(breakpoints, nr_breakpoints);
}

/* No handler finds a probe that was taken out of the scope, but one may still use it. */
static void scope_release(struct scope_probe *probe[], unsigned int n)
{
	unsigned int i;

	if (!n)
		return;
	scope_unregister(probe, n);
	synchronize_rcu_expedited();
	for (i = 0; i < n; i++)
		kfree(probe[i]);
	/* Unregistering frees memory by call_rcu(), and tests compare memory counters. */
	rcu_barrier();
}

/* Take out the probes in a module, or all. Return their number. */
static unsigned int scope_take(struct scope *scope, const struct module *module,
			       struct scope_probe *taken[SCOPE_MAX_FUNCTIONS])
{
	unsigned int i, n = 0;

	for (i = 0; i < scope->nr; i++) {
		struct scope_probe *probe = scope->probe[i];

		if (!probe || (module && !within_module(scope_probe_addr(probe), module)))
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
	struct scope_probe *taken[SCOPE_MAX_FUNCTIONS];
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
	struct scope_probe *taken[SCOPE_MAX_FUNCTIONS];

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
		    !arch_text_is_probed(scope_probe_addr(scope->probe[i])))
			return false;
	return true;
}
