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
#include <linux/stacktrace.h>

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

	ic->handler(ic, compat_ftrace_pt_regs(fregs), parent_ip);
}

/* What a kretprobe puts in the place of a return address. */
static unsigned long return_trampoline;

/* The unwinder sees through that: the caller is above the function itself. */
static unsigned long __kprobes unwind_caller(unsigned long ip)
{
	unsigned long entries[16];
	unsigned int i, n = stack_trace_save(entries, ARRAY_SIZE(entries), 0);

	for (i = 0; i + 1 < n; i++)
		if (entries[i] == ip)
			return entries[i + 1];
	return return_trampoline;
}

static int __kprobes intercept_by_kprobe(struct kprobe *probe, struct pt_regs *regs)
{
	struct intercept *ic = container_of(probe, struct intercept, probe);
	unsigned long caller = arch_return_address(regs), ip = regs->ip;

	if (unlikely(caller == return_trampoline))
		caller = unwind_caller(ip);
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

static int install_ftrace(struct intercept *ic)
{
	static const char busy[] =
		"a livepatch, kprobe or tracer modifies it, or kernel.ftrace_enabled is 0";
	int err;

	/* PERMANENT: kernel.ftrace_enabled=0 must not silently stop us. */
	ic->ops = (struct ftrace_ops) {
		.func = intercept_by_ftrace,
		.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
	};
	err = ftrace_set_filter_ip(&ic->ops, ic->addr, 0, 0);
	if (err)
		return refuse(ic, err, "ftrace does not take its address");
	err = register_ftrace_function(&ic->ops);
	if (err) {
		ftrace_free_filter(&ic->ops);
		return refuse(ic, err, err == -EBUSY ? busy : "ftrace refuses it");
	}
	ic->how = INTERCEPT_FTRACE;
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
static bool is_live(struct intercept *ic)
{
	if (ic->how == INTERCEPT_FTRACE)
		return arch_text_has_call(ic->addr) && (ic->ops.flags & FTRACE_OPS_FL_ENABLED);
	return arch_text_has_breakpoint(ic->addr) && !enable_kprobe(&ic->probe);
}

/**
 * intercept_install() - intercept a function from now on
 * @ic: with @symbol and @handler set, not installed
 *
 * May sleep; takes kprobe_mutex, ftrace_lock and text_mutex. Callers serialise
 * installing and removing of the same @ic.
 *
 * Return: 0, or after a line in the kernel log: -ENODEV if there is no such
 * function, -EBUSY if somebody else already modifies it, -EIO if the
 * registration took but the function's text did not change, or the error of
 * register_kprobe() or register_ftrace_function().
 */
int intercept_install(struct intercept *ic)
{
	struct kprobe scout = { .symbol_name = ic->symbol, .flags = KPROBE_FLAG_DISABLED };
	bool traceable, modified;
	int err;

	if (register_kprobe(&scout))
		return refuse(ic, -ENODEV,
			      "this kernel has no such function, inlined it, or forbids probes on it");
	ic->addr = (unsigned long)scout.addr;
	traceable = kprobe_ftrace(&scout);
	modified = modified_by_kprobe(&scout);
	unregister_kprobe(&scout);
	if (modified)
		return refuse(ic, -EBUSY, "somebody else's kprobe on it may change its flow");

	err = traceable ? install_ftrace(ic) : install_kprobe(ic);
	if (!err && !is_live(ic)) {
		intercept_remove(ic);
		return refuse(ic, -EIO, "it was registered but its text did not change");
	}
	return err;
}

/* Replacements end with intercept_redirect_done(); a few instructions follow it. */
static void drain_redirected(struct intercept *ic)
{
	while (atomic_read(&ic->redirected))
		msleep(20);
	synchronize_rcu_tasks();
}

/**
 * intercept_remove() - leave the function alone again
 * @ic: installed or not
 *
 * On return no handler runs any more and no task is inside a replacement.
 * May sleep, as long as a replacement function takes. A call that was made to
 * return early needs no wait: see arch_return().
 */
void intercept_remove(struct intercept *ic)
{
	switch (ic->how) {
	case INTERCEPT_NONE:
		return;
	case INTERCEPT_FTRACE:
		/* waits for preempted handlers too (synchronize_rcu_tasks()) */
		unregister_ftrace_function(&ic->ops);
		ftrace_free_filter(&ic->ops);
		break;
	case INTERCEPT_KPROBE:
		unregister_kprobe(&ic->probe);
		break;
	}
	if (ic->redirects)
		drain_redirected(ic);
	ic->redirects = false;
	ic->how = INTERCEPT_NONE;
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
