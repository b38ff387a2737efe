// SPDX-License-Identifier: GPL-2.0
/*
 * Installing and removing an interception.
 *
 * ftrace is the first choice: cheaper, and its IPMODIFY flag makes the kernel
 * itself refuse a second modifier of the same function. Functions that are
 * notrace (on 6.1 all of __meminit) get a kprobe. Never both on one function:
 * on 7.x a kprobe that joins an ftrace function registers and is dead.
 */
#include <linux/delay.h>
#include <linux/errno.h>
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

/* Linked into more than one module: KBUILD_MODNAME would name them all. */
#undef pr_fmt
#define pr_fmt(fmt)	"%s: " fmt, THIS_MODULE->name

/**
 * struct intercept_hook - one ftrace_ops for the functions of one intercept_install_all()
 * @ops: ftrace waits for all tasks for each ftrace_ops that it unregisters
 * @mask: length of @at less 1; a power of two less 1
 * @at: hash table of them by address, with free slots between
 */
struct intercept_hook {
	struct ftrace_ops ops;
	unsigned int mask;
	struct intercept *at[];
};

/* Functions are aligned to 16 bytes. */
static __always_inline unsigned int hook_slot(const struct intercept_hook *hook, unsigned long ip)
{
	return (ip >> 4) & hook->mask;
}

/* Where kretprobes and the function graph tracer make functions return to. */
static const char * const trampoline_names[] = { ARCH_RETURN_TRAMPOLINES };
static unsigned long trampolines[ARRAY_SIZE(trampoline_names)];

static __always_inline bool is_trampoline(unsigned long addr)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(trampolines); i++)
		if (unlikely(addr == trampolines[i]))
			return true;
	return false;
}

/* Frames of our own, of an exception and of the trampoline before the function's. */
#define OWN_FRAMES	16

/*
 * The return address is a trampoline's: somebody hooked the return of the
 * function that ended in a jump to this one. The unwinder knows the address that
 * the trampoline replaced. It stands behind the function's own, if that is shown.
 */
static noinline unsigned long __kprobes hooked_caller(unsigned long ip, unsigned long trampoline)
{
	unsigned long entries[OWN_FRAMES + 2];
	unsigned int i, n = stack_trace_save(entries, ARRAY_SIZE(entries), 0);

	for (i = 0; i + 1 < n; i++)
		if (entries[i] == ip)
			return entries[i + 1];
	return trampoline;
}

static void __kprobes intercept_by_ftrace(unsigned long ip, unsigned long parent_ip,
					  struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct intercept_hook *hook = container_of(ops, struct intercept_hook, ops);
	struct pt_regs *regs = compat_ftrace_pt_regs(fregs);
	unsigned int slot = hook_slot(hook, ip);
	struct intercept *ic;

	while ((ic = hook->at[slot]) && ic->addr != ip)
		slot = (slot + 1) & hook->mask;
	if (!ic)
		return;
	if (is_trampoline(parent_ip))
		parent_ip = hooked_caller(regs->ip, parent_ip);
	ic->handler(ic, regs, parent_ip);
}

static int __kprobes intercept_by_kprobe(struct kprobe *probe, struct pt_regs *regs)
{
	struct intercept *ic = container_of(probe, struct intercept, probe);
	unsigned long caller = arch_return_address(regs), ip = regs->ip;

	if (is_trampoline(caller))
		caller = hooked_caller(ip, caller);
	ic->handler(ic, regs, caller);
	/* 1: the handler changed ip, do not single-step the original */
	return regs->ip != ip;
}

/* A post_handler keeps the probe from being jump-optimised, where ip cannot change. */
static void no_optimisation(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static int refuse(struct intercept *ic, int err, const char *why)
{
	pr_err("%s() cannot be intercepted: %s\n", ic->symbol, why);
	return err;
}

/* A disabled kprobe at each function shows who else is there, and if ftrace serves it. */
static int scout(struct intercept *ics[], struct kprobe *probes, struct kprobe **registered,
		 unsigned int n, unsigned int *nr_registered)
{
	static const char contested[] = "somebody else's kprobe on it may change its flow";
	static const char missing[] =
		"this kernel has no such function, inlined it, or forbids probes on it";
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
			return err == -ENOMEM ? err : refuse(ic, -ENODEV, missing);
		registered[(*nr_registered)++] = &probes[i];
		ic->addr = (unsigned long)probes[i].addr;
		ic->traceable = kprobe_ftrace(&probes[i]);
		if (compat_kprobe_is_contested(&probes[i]))
			return refuse(ic, -EBUSY, contested);
	}
	return 0;
}

/* Where the functions are, and by what each can be intercepted. */
static int resolve(struct intercept *ics[], unsigned int n)
{
	struct kprobe *probes = kcalloc(n, sizeof(*probes), GFP_KERNEL);
	struct kprobe **registered = kcalloc(n, sizeof(*registered), GFP_KERNEL);
	unsigned int nr_registered = 0;
	int err = -ENOMEM;

	if (probes && registered)
		err = scout(ics, probes, registered, n, &nr_registered);
	/* One wait for RCU for all of them. */
	if (nr_registered)
		unregister_kprobes(registered, nr_registered);
	kfree(registered);
	kfree(probes);
	return err;
}

/**
 * intercept_is_contested() - does a kprobe at an address claim to change the flow
 * @addr: the first instruction of a function
 *
 * For the self-probe. Context: may sleep, takes kprobe_mutex.
 */
bool intercept_is_contested(unsigned long addr)
{
	struct kprobe probe = { .addr = (kprobe_opcode_t *)addr, .flags = KPROBE_FLAG_DISABLED };
	bool contested;

	if (register_kprobe(&probe))
		return false;
	contested = compat_kprobe_is_contested(&probe);
	unregister_kprobe(&probe);
	return contested;
}

static int find_trampolines(void)
{
	return trampolines[0] ? 0 : symbol_addresses(trampoline_names, trampolines,
						     ARRAY_SIZE(trampolines));
}

/* Never given back: an index belongs to the interception until the module is unloaded. */
static int assign_early_return(struct intercept *ic)
{
	static DEFINE_MUTEX(mutex);
	static unsigned int used;
	int err = 0;

	mutex_lock(&mutex);
	if (ic->early_return)
		goto unlock;
	if (used < EARLY_RETURN_MAX)
		ic->early_return = ++used;
	else
		err = refuse(ic, -ENOSPC, "EARLY_RETURN_MAX functions are intercepted already");
unlock:
	mutex_unlock(&mutex);
	return err;
}

static struct intercept_hook *hook_alloc(unsigned int n)
{
	unsigned int slots = roundup_pow_of_two(2 * n);
	struct intercept_hook *hook;

	hook = kzalloc(struct_size(hook, at, slots), GFP_KERNEL);
	if (!hook)
		return NULL;
	hook->mask = slots - 1;
	/* PERMANENT: kernel.ftrace_enabled=0 must not silently stop us. */
	hook->ops.func = intercept_by_ftrace;
	hook->ops.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT;
	return hook;
}

static void hook_add(struct intercept_hook *hook, struct intercept *ic)
{
	unsigned int slot = hook_slot(hook, ic->addr);

	while (hook->at[slot])
		slot = (slot + 1) & hook->mask;
	hook->at[slot] = ic;
	ic->hook = hook;
	ic->how = INTERCEPT_FTRACE;
}

static int hook_register(struct intercept_hook *hook, unsigned long *ips, unsigned int n,
			 struct intercept *first)
{
	static const char busy[] =
		"a livepatch, kprobe or tracer modifies it, or kernel.ftrace_enabled is 0";
	const char *several = n > 1 ? " (or another function of the point)" : "";
	int err;

	err = ftrace_set_filter_ips(&hook->ops, ips, n, 0, 0);
	err = err ?: register_ftrace_function(&hook->ops);
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
		first = first ?: ics[i];
		ips[nr_ips++] = ics[i]->addr;
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
		.pre_handler = intercept_by_kprobe,
		.post_handler = no_optimisation,
	};
	err = register_kprobe(&ic->probe);
	if (err)
		return refuse(ic, err, "a kprobe is refused");
	ic->how = INTERCEPT_KPROBE;
	return 0;
}

/**
 * intercept_is_live() - does the function's text still lead to the handler
 * @ic: an interception
 *
 * Registering can succeed and yet leave the function as it was, and somebody else
 * can take a probe's breakpoint out (kprobes/enabled in debugfs).
 *
 * Context: any, as long as @ic is not removed meanwhile.
 */
bool intercept_is_live(const struct intercept *ic)
{
	switch (READ_ONCE(ic->how)) {
	case INTERCEPT_FTRACE:
		return arch_text_has_call(ic->addr) && compat_ftrace_is_enabled(&ic->hook->ops);
	case INTERCEPT_KPROBE:
		return arch_text_has_breakpoint(ic->addr);
	default:
		return false;
	}
}

/* enable_kprobe() says of a probe that was registered dead that it cannot be enabled. */
static int check_live(struct intercept *ic)
{
	bool live = intercept_is_live(ic) &&
		    (ic->how != INTERCEPT_KPROBE || !enable_kprobe(&ic->probe));

	return live ? 0 : refuse(ic, -EIO, "it was registered but its text did not change");
}

/**
 * intercept_install_all() - intercept functions from now on
 * @ics: with @symbol and @handler set, not installed
 * @n: how many, at least one
 *
 * Their handlers begin to run one after the other. Callers serialise installing and
 * removing of the same @ics.
 *
 * Context: may sleep; takes kprobe_mutex, ftrace_lock and text_mutex.
 *
 * Return: 0, or with none installed and after a line in the kernel log: -ENODEV
 * if there is no such function, -EBUSY if somebody else already modifies it,
 * -EIO if the registration took but the function's text did not change, -ENOSPC,
 * -ENOMEM, or the error of register_kprobe() or register_ftrace_function().
 */
int intercept_install_all(struct intercept *ics[], unsigned int n)
{
	unsigned int i;
	int err = find_trampolines();

	for (i = 0; i < n && !err; i++)
		err = assign_early_return(ics[i]);
	if (!err)
		err = resolve(ics, n);
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

/* Each hook once: others that share it find it gone. */
static void remove_hook(struct intercept *ics[], unsigned int n, struct intercept_hook *hook)
{
	unsigned int i;

	unregister_ftrace_function(&hook->ops);
	for (i = 0; i < n; i++)
		if (ics[i]->hook == hook)
			ics[i]->hook = NULL;
	hook_free(hook);
}

/* No handler runs afterwards, preempted ones included (synchronize_rcu_tasks()). */
static void uninstall(struct intercept *ics[], unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (ics[i]->hook)
			remove_hook(ics, n, ics[i]->hook);
		if (ics[i]->how == INTERCEPT_KPROBE)
			unregister_kprobe(&ics[i]->probe);
	}
}

/**
 * intercept_remove_all() - leave functions alone again
 * @ics: all those of one intercept_install_all(), installed or not; or of several
 * @n: how many
 *
 * On return no handler runs any more and no task is inside a replacement. A call
 * that was made to return early may still be on its way: see intercept_exit().
 *
 * Context: may sleep, as long as a replacement function takes.
 */
void intercept_remove_all(struct intercept *ics[], unsigned int n)
{
	bool redirected = false;
	unsigned int i;

	uninstall(ics, n);
	/* Replacements end with intercept_redirect_done(); a few instructions follow it. */
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
 * intercept_forget() - the function's module is going: look it up anew next time
 * @ic: an interception that is not installed
 */
void intercept_forget(struct intercept *ic)
{
	ic->addr = 0;
}

/**
 * intercept_exit() - wait for calls that still are on their way through this module
 *
 * The last thing that a module does before its text is freed; everything is removed.
 *
 * Context: may sleep.
 */
void intercept_exit(void)
{
	/* A task can be preempted inside an early_return function. */
	synchronize_rcu_tasks();
}

/**
 * intercept_missed() - calls whose handler could not run
 * @ic: an interception
 *
 * By kprobe, when the call came from inside another kprobe's handler; counted
 * since the installation. By ftrace always 0: while a second tracer is on the
 * function, ftrace itself drops calls from inside a handler, and does not count them.
 *
 * Context: any.
 */
unsigned long intercept_missed(const struct intercept *ic)
{
	return READ_ONCE(ic->how) == INTERCEPT_KPROBE ? READ_ONCE(ic->probe.nmissed) : 0;
}

/**
 * intercept_how_name() - what intercepts the function now, for people
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
