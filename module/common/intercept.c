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
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/rethook.h>
#include <linux/sched.h>

#include "compat.h"
#include "intercept.h"
#include "symbol.h"

/* Linked into more than one module: KBUILD_MODNAME would name them all. */
#undef pr_fmt
#define pr_fmt(fmt)	"%s: " fmt, THIS_MODULE->name

static void __kprobes intercept_by_ftrace(unsigned long ip, unsigned long parent_ip,
					  struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct intercept *ic = container_of(ops, struct intercept, ops);

	while (ic->addr != ip) {
		ic = ic->next;
		if (!ic)
			return;
	}
	ic->handler(ic, compat_ftrace_pt_regs(fregs), parent_ip);
}

/* What a kretprobe puts in the place of a return address. */
static unsigned long return_trampoline;

/* What it put there; several on one function keep each other's. Only the task changes its list. */
static unsigned long __kprobes hooked_return_address(const struct pt_regs *regs)
{
#ifdef CONFIG_RETHOOK
	struct rethook_node *node;

	llist_for_each_entry(node, current->rethooks.first, llist)
		if (node->frame == arch_return_slot(regs) && node->ret_addr != return_trampoline)
			return node->ret_addr;
#endif
	return return_trampoline;
}

static int __kprobes intercept_by_kprobe(struct kprobe *probe, struct pt_regs *regs)
{
	struct intercept *ic = container_of(probe, struct intercept, probe);
	unsigned long caller = arch_return_address(regs), ip = regs->ip;

	if (unlikely(caller == return_trampoline))
		caller = hooked_return_address(regs);
	ic->handler(ic, regs, caller);
	/* 1: the handler changed ip, do not single-step the original */
	return regs->ip != ip;
}

/* A post_handler keeps the probe from being jump-optimised, where ip cannot change. */
static void no_optimisation(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

/*
 * Does somebody else's probe on this address claim the right to change ip? All
 * probes on one address hang on one list, and with the aggregate that stands
 * for them they show it by a post_handler.
 */
static bool modified_by_kprobe(struct kprobe *scout)
{
	struct kprobe *other;
	bool modified = false;

	rcu_read_lock();
	list_for_each_entry_rcu(other, &scout->list, list)
		if (other->post_handler)
			modified = true;
	rcu_read_unlock();
	return modified;
}

static int refuse(struct intercept *ic, int err, const char *why)
{
	pr_err("%s() cannot be intercepted: %s\n", ic->symbol, why);
	return err;
}

/* Where it is, and by what it can be intercepted. */
static int resolve(struct intercept *ic)
{
	struct kprobe scout = { .symbol_name = ic->symbol, .flags = KPROBE_FLAG_DISABLED };
	bool modified;

	if (register_kprobe(&scout))
		return refuse(ic, -ENODEV,
			      "this kernel has no such function, inlined it, or forbids probes on it");
	ic->addr = (unsigned long)scout.addr;
	ic->traceable = kprobe_ftrace(&scout);
	modified = modified_by_kprobe(&scout);
	unregister_kprobe(&scout);
	if (modified)
		return refuse(ic, -EBUSY, "somebody else's kprobe on it may change its flow");
	return 0;
}

/* Chains those that are traceable; returns the first. */
static struct intercept *chain_traceable(struct intercept *ics[], unsigned int n)
{
	struct intercept *first = NULL;

	while (n--) {
		if (!ics[n]->traceable)
			continue;
		ics[n]->next = first;
		first = ics[n];
	}
	return first;
}

static int register_ops(struct intercept *first)
{
	static const char busy[] =
		"a livepatch, kprobe or tracer modifies it, or kernel.ftrace_enabled is 0";
	struct intercept *ic;
	int err;

	/* PERMANENT: kernel.ftrace_enabled=0 must not silently stop us. */
	first->ops = (struct ftrace_ops) {
		.func = intercept_by_ftrace,
		.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
	};
	for (ic = first; ic; ic = ic->next) {
		err = ftrace_set_filter_ip(&first->ops, ic->addr, 0, 0);
		if (err)
			return refuse(ic, err, "ftrace does not take its address");
	}
	err = register_ftrace_function(&first->ops);
	if (err)
		return refuse(first, err, err == -EBUSY ? busy : "ftrace refuses it");
	return 0;
}

static int install_ftrace(struct intercept *ics[], unsigned int n)
{
	struct intercept *first = chain_traceable(ics, n), *ic;
	int err = first ? register_ops(first) : 0;

	if (err) {
		ftrace_free_filter(&first->ops);
		return err;
	}
	for (ic = first; ic; ic = ic->next) {
		ic->on_ops = &first->ops;
		ic->how = INTERCEPT_FTRACE;
	}
	return 0;
}

static int install_kprobe(struct intercept *ic)
{
	int err;

	if (!return_trampoline)
		symbol_address("arch_rethook_trampoline", &return_trampoline);
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

/* Registering can succeed and yet leave the function as it was: look at its text. */
static int check_live(struct intercept *ic)
{
	bool live;

	if (ic->how == INTERCEPT_FTRACE)
		live = arch_text_has_call(ic->addr) && (ic->on_ops->flags & FTRACE_OPS_FL_ENABLED);
	else
		live = arch_text_has_breakpoint(ic->addr) && !enable_kprobe(&ic->probe);
	return live ? 0 : refuse(ic, -EIO, "it was registered but its text did not change");
}

/**
 * intercept_install_all() - intercept functions from now on
 * @ics: with @symbol and @handler set, not installed
 * @n: how many
 *
 * May sleep; takes kprobe_mutex, ftrace_lock and text_mutex. Callers serialise
 * installing and removing of the same @ics.
 *
 * Return: 0, or with none installed and after a line in the kernel log: -ENODEV
 * if there is no such function, -EBUSY if somebody else already modifies it,
 * -EIO if the registration took but the function's text did not change, or the
 * error of register_kprobe() or register_ftrace_function().
 */
int intercept_install_all(struct intercept *ics[], unsigned int n)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = resolve(ics[i]);
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

/* No handler runs afterwards, preempted ones included (synchronize_rcu_tasks()). */
static void uninstall(struct intercept *ic)
{
	if (ic->how == INTERCEPT_KPROBE)
		unregister_kprobe(&ic->probe);
	if (ic->how == INTERCEPT_FTRACE && ic->on_ops == &ic->ops) {
		unregister_ftrace_function(&ic->ops);
		ftrace_free_filter(&ic->ops);
	}
}

/**
 * intercept_remove_all() - leave functions alone again
 * @ics: those of one intercept_install_all(), installed or not
 * @n: how many
 *
 * On return no handler runs any more and no task is inside a replacement.
 * May sleep, as long as a replacement function takes. A call that was made to
 * return early needs no wait: see arch_return().
 */
void intercept_remove_all(struct intercept *ics[], unsigned int n)
{
	bool redirected = false;
	unsigned int i;

	for (i = 0; i < n; i++)
		uninstall(ics[i]);
	/* Replacements end with intercept_redirect_done(); a few instructions follow it. */
	for (i = 0; i < n; i++) {
		while (atomic_read(&ics[i]->redirected))
			msleep(20);
		redirected |= ics[i]->redirects;
		ics[i]->redirects = false;
		ics[i]->how = INTERCEPT_NONE;
	}
	if (redirected)
		synchronize_rcu_tasks();
}

/**
 * intercept_missed() - calls whose handler could not run
 * @ic: an interception
 *
 * By kprobe, when the call came from inside another kprobe's handler; counted
 * since the installation. Any context.
 */
unsigned long intercept_missed(const struct intercept *ic)
{
	return ic->how == INTERCEPT_KPROBE ? READ_ONCE(ic->probe.nmissed) : 0;
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

	return names[ic->how];
}
