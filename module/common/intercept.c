// SPDX-License-Identifier: GPL-2.0
/*
 * Install and remove interceptions.
 *
 * ftrace is preferred: it is cheaper, and with its flag IPMODIFY the kernel itself refuses
 * a second modifier of the same function. Functions that are notrace (on 6.1 all __meminit
 * functions) get a kprobe. A function never gets both: on 7.x a kprobe on a function with
 * ftrace can be registered, but never fires.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>

#include "compat.h"
#include "intercept.h"
#include "symbol.h"

/* This file is linked into several modules: KBUILD_MODNAME would be all their names. */
#undef pr_fmt
#define pr_fmt(fmt)	"%s: " fmt, THIS_MODULE->name

static const char * const trampoline_names[] = { ARCH_RETURN_TRAMPOLINES };
unsigned long intercept_trampolines[INTERCEPT_TRAMPOLINES];

/* Frames of errpath, of an exception and of the trampoline before the function's frame. */
#define OWN_FRAMES	16

/* For unused slots of a hook: no function is at address 0. */
static struct intercept no_intercept;

static DEFINE_MUTEX(early_return_mutex);
/* Indices in early_return_functions that belong to an interception. */
static DECLARE_BITMAP(early_return_used, EARLY_RETURN_MAX);

/**
 * intercept_search() - find the interception of a function that is not in its first slot
 * @hook: the hook
 * @ip: address of the function
 *
 * Context: any.
 *
 * Return: the interception, or NULL.
 */
struct intercept *intercept_search(const struct intercept_hook *hook, unsigned long ip)
{
	unsigned long slot = hook_slot(hook, ip);

	while (hook->at[slot]->ip != ip) {
		if (hook->at[slot] == &no_intercept)
			return NULL;
		slot = (slot + 1) & hook->mask;
	}
	return hook->at[slot];
}

NOKPROBE_SYMBOL(intercept_search);

/**
 * intercept_hooked_caller() - find the caller if the return address is that of a trampoline
 * @regs: the registers at the function's entry
 * @trampoline: the return address, one of intercept_trampolines
 *
 * A kretprobe keeps the address that the trampoline replaced in a list of the task. Of the
 * graph tracer's, the unwinder knows it; it follows the function's own address, which frame
 * pointers do not show.
 *
 * Context: any.
 *
 * Return: the return address of the call, or @trampoline if it is not found.
 */
noinline unsigned long __kprobes intercept_hooked_caller(struct arch_regs *regs,
							  unsigned long trampoline)
{
	unsigned long caller = compat_kretprobe_caller(arch_frame(regs), trampoline);
	unsigned long entries[OWN_FRAMES + 2], ip = arch_ip(regs);
	unsigned int i, n;

	if (caller)
		return caller;
	n = stack_trace_save(entries, ARRAY_SIZE(entries), 0);
	for (i = 0; i + 1 < n; i++)
		if (entries[i] == ip)
			return entries[i + 1];
	return trampoline;
}

static __always_inline void intercept_default_entry_handle(struct intercept *ic,
							   struct arch_regs *regs,
							   unsigned long parent)
{
	ic->handler(ic, regs, intercept_caller(regs, parent));
}

INTERCEPT_ENTRY(intercept_default_entry);

static const struct intercept_entry *entry_of(const struct intercept *ic)
{
	return ic->entry ?: &intercept_default_entry;
}

/* A kprobe with a post_handler is not jump-optimised, which would not let ip change. */
static void prevent_optimisation(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

/**
 * intercept_keep_breakpoint() - do nothing, as the post_handler of a kprobe
 * @probe: the kprobe
 * @regs: the registers
 * @flags: unused
 *
 * A kprobe with a post_handler is not jump-optimised. With this one, it does not count as a
 * kprobe that may change the control flow.
 *
 * Context: any.
 */
void __kprobes intercept_keep_breakpoint(struct kprobe *probe, struct pt_regs *regs,
					 unsigned long flags)
{
}

static int intercept_refuse(struct intercept *ic, int err, const char *why)
{
	pr_err("%s() cannot be intercepted: %s\n", ic->symbol, why);
	return err;
}

/* Register a disabled kprobe on each function: it shows other kprobes, and use of ftrace. */
static int register_scouts(struct intercept *ics[], struct kprobe *probes,
			   struct kprobe **registered, unsigned int n,
			   unsigned int *nr_registered)
{
	static const char contested[] = "another kprobe on it may change its control flow";
	static const char missing[] =
		"this kernel lacks the function, inlined it, or forbids probes on it";
	struct intercept *ic;
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		ic = ics[i];
		probes[i].flags = KPROBE_FLAG_DISABLED;
		if (ic->addr)
			probes[i].addr = (kprobe_opcode_t *)ic->addr;
		else
			probes[i].symbol_name = ic->symbol;
		err = register_kprobe(&probes[i]);
		if (err)
			return err == -ENOMEM ? err : intercept_refuse(ic, -ENODEV, missing);
		registered[(*nr_registered)++] = &probes[i];
		ic->addr = (unsigned long)probes[i].addr;
		ic->ip = arch_ftrace_ip(ic->addr);
		if (compat_kprobe_is_contested(&probes[i], intercept_keep_breakpoint))
			return intercept_refuse(ic, -EBUSY, contested);
	}
	return 0;
}

/*
 * Test whether ftrace can intercept a function. A kprobe does not tell: on some architectures
 * none uses ftrace. Each call has separate ftrace_ops, so that nothing is freed later, by RCU.
 */
static int find_traceable(struct intercept *ic)
{
	struct ftrace_ops ops = {};
	int err = ftrace_set_filter_ip(&ops, ic->ip, 0, 0);

	ftrace_free_filter(&ops);
	ic->traceable = !err;
	return err == -ENOMEM ? err : 0;
}

/* Look up the address of each function, and whether ftrace can intercept it. */
static int intercept_resolve(struct intercept *ics[], unsigned int n)
{
	struct kprobe *probes = kcalloc(n, sizeof(*probes), GFP_KERNEL);
	struct kprobe **registered = kcalloc(n, sizeof(*registered), GFP_KERNEL);
	unsigned int i, nr_registered = 0;
	int err = -ENOMEM;

	if (probes && registered)
		err = register_scouts(ics, probes, registered, n, &nr_registered);
	/* Together, to wait only once for RCU. */
	if (nr_registered)
		unregister_kprobes(registered, nr_registered);
	kfree(registered);
	kfree(probes);
	for (i = 0; i < n && !err; i++)
		err = find_traceable(ics[i]);
	return err;
}

/**
 * intercept_is_contested() - test whether a kprobe may change the control flow
 * @addr: the first instruction of a function
 *
 * Used by the self-test.
 *
 * Context: may sleep; takes kprobe_mutex.
 */
bool intercept_is_contested(unsigned long addr)
{
	struct kprobe probe = { .addr = (kprobe_opcode_t *)addr, .flags = KPROBE_FLAG_DISABLED };
	bool contested;

	if (register_kprobe(&probe))
		return false;
	contested = compat_kprobe_is_contested(&probe, intercept_keep_breakpoint);
	unregister_kprobe(&probe);
	return contested;
}

static int find_trampolines(void)
{
	int err;

	static_assert(ARRAY_SIZE(trampoline_names) == INTERCEPT_TRAMPOLINES);

	if (intercept_trampolines[0])
		return 0;
	err = arch_init();
	if (err)
		return err;
	return symbol_addresses(trampoline_names, intercept_trampolines, INTERCEPT_TRAMPOLINES);
}

/* The index belongs to the interception until intercept_release_all(). */
static int assign_early_return(struct intercept *ic)
{
	unsigned long index;
	int err = 0;

	mutex_lock(&early_return_mutex);
	if (ic->early_return)
		goto unlock;
	index = find_first_zero_bit(early_return_used, EARLY_RETURN_MAX);
	if (index < EARLY_RETURN_MAX) {
		__set_bit(index, early_return_used);
		ic->early_return = index + 1;
	} else {
		err = intercept_refuse(ic, -ENOSPC, "the module has no early_return function left");
	}
unlock:
	mutex_unlock(&early_return_mutex);
	return err;
}

static struct intercept_hook *hook_alloc(unsigned int n)
{
	unsigned int i, slots = roundup_pow_of_two(2 * n);
	struct intercept_hook *hook;

	hook = kzalloc(struct_size(hook, at, slots), GFP_KERNEL);
	if (!hook)
		return NULL;
	hook->mask = slots - 1;
	for (i = 0; i < slots; i++)
		hook->at[i] = &no_intercept;
	/* PERMANENT: kernel.ftrace_enabled=0 must not disable the interception. */
	hook->ops.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT;
	return hook;
}

static void hook_add(struct intercept_hook *hook, struct intercept *ic)
{
	unsigned long slot = hook_slot(hook, ic->ip);

	while (hook->at[slot] != &no_intercept)
		slot = (slot + 1) & hook->mask;
	hook->at[slot] = ic;
	ic->hook = hook;
	ic->how = INTERCEPT_FTRACE;
}

/*
 * While a BPF trampoline on one of the functions is being changed, the kernel sleeps a millisecond
 * and returns -EAGAIN (bpf_tramp_ftrace_ops_func()).
 */
static int register_ops(struct ftrace_ops *ops)
{
	const unsigned long end = jiffies + 10 * HZ;
	int err;

	do {
		err = register_ftrace_function(ops);
	} while (err == -EAGAIN && time_before(jiffies, end));
	return err;
}

static int hook_register(struct intercept_hook *hook, unsigned long *ips, unsigned int n,
			 struct intercept *first)
{
	static const char busy[] =
		"a livepatch, kprobe or tracer modifies it, or kernel.ftrace_enabled is 0";
	const char *several = n > 1 ? " (or another function of the point)" : "";
	int err;

	hook->ops.func = entry_of(first)->by_ftrace;
	err = ftrace_set_filter_ips(&hook->ops, ips, n, 0, 0);
	if (!err)
		err = register_ops(&hook->ops);
	if (err)
		pr_err("%s()%s cannot be intercepted: %s\n", first->symbol, several,
		       err == -EBUSY ? busy : "ftrace refuses it");
	return err;
}

static void hook_free(struct intercept_hook *hook)
{
	ftrace_free_filter(&hook->ops);
	kfree(hook);
}

static int install_ftrace(struct intercept *ics[], unsigned int n)
{
	unsigned long *ips = kcalloc(n, sizeof(*ips), GFP_KERNEL);
	struct intercept_hook *hook = hook_alloc(n);
	struct intercept *first = NULL;
	unsigned int i, nr_ips = 0;
	int err = hook && ips ? 0 : -ENOMEM;

	for (i = 0; i < n && !err; i++) {
		if (!ics[i]->traceable)
			continue;
		if (!first)
			first = ics[i];
		ips[nr_ips++] = ics[i]->ip;
		hook_add(hook, ics[i]);
	}
	if (first)
		err = hook_register(hook, ips, nr_ips, first);
	for (i = 0; i < n && err; i++) {
		ics[i]->hook = NULL;
		ics[i]->how = INTERCEPT_NONE;
	}
	if (hook && (err || !first))
		hook_free(hook);
	kfree(ips);
	return err;
}

static int install_kprobe(struct intercept *ic)
{
	int err;

	ic->probe = (struct kprobe) {
		.addr = (kprobe_opcode_t *)ic->addr,
		.pre_handler = entry_of(ic)->by_kprobe,
		.post_handler = prevent_optimisation,
	};
	err = register_kprobe(&ic->probe);
	if (err)
		return intercept_refuse(ic, err, "the kernel refuses a kprobe on it");
	ic->how = INTERCEPT_KPROBE;
	return 0;
}

/**
 * intercept_is_live() - test whether the function's text still leads to the handler
 * @ic: an interception
 *
 * A registration can succeed without changing the function, and all breakpoints of kprobes
 * can be removed (kprobes/enabled in debugfs).
 *
 * Context: any; @ic must not be removed meanwhile.
 */
bool intercept_is_live(const struct intercept *ic)
{
	switch (READ_ONCE(ic->how)) {
	case INTERCEPT_FTRACE:
		return arch_text_has_ftrace_call(ic->ip) &&
		       compat_ftrace_is_enabled(&ic->hook->ops);
	case INTERCEPT_KPROBE:
		return arch_text_has_breakpoint(ic->addr);
	default:
		return false;
	}
}

/* enable_kprobe() fails for a probe that was registered but can never fire. */
static int check_live(struct intercept *ic)
{
	bool live = intercept_is_live(ic) &&
		    (ic->how != INTERCEPT_KPROBE || !enable_kprobe(&ic->probe));

	if (live)
		return 0;
	return intercept_refuse(ic, -EIO, "it was registered, but its text did not change");
}

/**
 * intercept_install_all() - intercept several functions
 * @ics: interceptions that are not installed; @symbol and @handler or @entry are set
 * @n: number of @ics, at least one
 *
 * The handlers do not begin to run at the same moment. Calls that install or remove the
 * same @ics must not run concurrently.
 *
 * Context: may sleep; takes kprobe_mutex, ftrace_lock and text_mutex.
 *
 * Return: 0, or with none installed and after a line in the kernel log: -ENODEV (the
 * kernel lacks the function), -EBUSY (a live patch, kprobe or tracer modifies it), -EIO
 * (it was registered, but the function's text did not change), -ENOSPC, -ENOMEM, or the
 * error of register_kprobe() or register_ftrace_function().
 */
int intercept_install_all(struct intercept *ics[], unsigned int n)
{
	unsigned int i;
	int err = find_trampolines();

	for (i = 0; i < n && !err; i++)
		err = assign_early_return(ics[i]);
	if (!err)
		err = intercept_resolve(ics, n);
	if (!err)
		err = install_ftrace(ics, n);
	for (i = 0; i < n && !err; i++)
		if (!ics[i]->traceable)
			err = install_kprobe(ics[i]);
	for (i = 0; i < n && !err; i++)
		err = check_live(ics[i]);
	if (err)
		intercept_remove_all(ics, n);
	return err;
}

/* Remove a hook from all interceptions that share it. */
static void hook_remove(struct intercept *ics[], unsigned int n, struct intercept_hook *hook)
{
	unsigned int i;

	unregister_ftrace_function(&hook->ops);
	for (i = 0; i < n; i++)
		if (ics[i]->hook == hook)
			ics[i]->hook = NULL;
	hook_free(hook);
}

/* On return no handler is running, not even preempted: unregistering waits for all tasks. */
static void unregister_all(struct intercept *ics[], unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (ics[i]->hook)
			hook_remove(ics, n, ics[i]->hook);
		if (ics[i]->how == INTERCEPT_KPROBE)
			unregister_kprobe(&ics[i]->probe);
	}
}

/**
 * intercept_remove_all() - remove interceptions
 * @ics: all interceptions of one or several intercept_install_all(), installed or not
 * @n: number of @ics
 *
 * On return no handler is running and no task is inside a replacement function. A call
 * that returns early can still be inside its early_return function: see intercept_exit().
 *
 * Context: may sleep, until the last call of a replacement function has ended.
 */
void intercept_remove_all(struct intercept *ics[], unsigned int n)
{
	bool redirected = false;
	unsigned int i;

	unregister_all(ics, n);
	/* After intercept_redirect_done(), a replacement function runs a few instructions. */
	for (i = 0; i < n; i++) {
		while (atomic_read(&ics[i]->redirected))
			msleep(20);
		redirected |= ics[i]->redirects;
		ics[i]->redirects = false;
		WRITE_ONCE(ics[i]->how, INTERCEPT_NONE);
	}
	if (redirected)
		synchronize_rcu_tasks();
}

/**
 * intercept_forget() - drop the address of a function whose module is being unloaded
 * @ic: an interception that is not installed
 */
void intercept_forget(struct intercept *ic)
{
	ic->addr = 0;
	ic->ip = 0;
}

/**
 * intercept_release_all() - give back what interceptions own, so that they can be freed
 * @ics: interceptions that are not installed
 * @n: number of @ics
 *
 * A call that returned early can still be inside its early_return function. Another
 * interception must not use that function until the call has ended.
 *
 * Context: may sleep.
 */
void intercept_release_all(struct intercept *ics[], unsigned int n)
{
	bool owned = false;
	unsigned int i;

	for (i = 0; i < n; i++)
		owned |= ics[i]->early_return;
	if (!owned)
		return;
	/* A task can have been preempted there. */
	synchronize_rcu_tasks();
	mutex_lock(&early_return_mutex);
	for (i = 0; i < n; i++) {
		if (ics[i]->early_return)
			__clear_bit(ics[i]->early_return - 1, early_return_used);
		ics[i]->early_return = 0;
	}
	mutex_unlock(&early_return_mutex);
}

/**
 * intercept_exit() - wait for calls that are inside early_return functions
 *
 * Call it last before the module's text is freed, when all interceptions are removed.
 *
 * Context: may sleep.
 */
void intercept_exit(void)
{
	/* A task can have been preempted there. */
	synchronize_rcu_tasks();
}

/**
 * intercept_missed() - count the calls whose handler could not run
 * @ic: an interception
 *
 * By kprobe: the calls that another kprobe's handler made since the installation. By
 * ftrace: always 0; if the function also has another tracer, ftrace drops calls from
 * inside a handler without counting them.
 *
 * Context: any.
 */
unsigned long intercept_missed(const struct intercept *ic)
{
	return READ_ONCE(ic->how) == INTERCEPT_KPROBE ? READ_ONCE(ic->probe.nmissed) : 0;
}

/**
 * intercept_how_name() - name the mechanism that intercepts a function
 * @ic: an interception
 */
const char *intercept_how_name(const struct intercept *ic)
{
	static const char * const names[] = {
		[INTERCEPT_NONE] = "-",
		[INTERCEPT_FTRACE] = "ftrace",
		[INTERCEPT_KPROBE] = "kprobe",
	};

	return names[READ_ONCE(ic->how)];
}
