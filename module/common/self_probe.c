// SPDX-License-Identifier: GPL-2.0
/*
 * Self-test at load: everything that a handler can do works on this kernel, by
 * ftrace and by kprobe, on functions of this module.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "intercept.h"

#undef pr_fmt
#define pr_fmt(fmt)	"%s: " fmt, THIS_MODULE->name

#define UNTOUCHED(x)	((x) + 1)
#define SKIPPED		0x5afe
#define OTHER_ARG	1000

static noinline notrace long probe_notrace(long x)
{
	barrier();
	return UNTOUCHED(x);
}

static noinline long probe_traced(long x)
{
	barrier();
	return UNTOUCHED(x);
}

static enum { LET, SKIP, ARGUMENT, REDIRECT } verb;
static struct intercept *probed;
static unsigned long probed_caller;

static long replacement(long x)
{
	intercept_redirect_done(probed);
	return -x;
}

static void __kprobes probe_handler(struct intercept *ic, struct pt_regs *regs,
				    unsigned long caller)
{
	probed_caller = caller;
	switch (verb) {
	case LET:
		break;
	case SKIP:
		intercept_return(ic, regs, SKIPPED);
		break;
	case ARGUMENT:
		intercept_set_arg(regs, 0, OTHER_ARG);
		break;
	case REDIRECT:
		intercept_redirect(ic, regs, replacement);
		break;
	}
}

static const char *what_fails(long (*function)(long x))
{
	/* The compiler must not know what the functions return. */
	OPTIMIZER_HIDE_VAR(function);
	verb = LET;
	if (function(7) != UNTOUCHED(7))
		return "let a call pass";
	verb = SKIP;
	if (function(7) != SKIPPED)
		return "make a function return early";
	verb = ARGUMENT;
	if (function(7) != UNTOUCHED(OTHER_ARG))
		return "change an argument";
	verb = REDIRECT;
	if (function(7) != -7)
		return "send a call elsewhere";
	return NULL;
}

/* Somebody else's claim to change the flow of a function. */
static void claim_flow(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static bool sees_contest(unsigned long addr)
{
	struct kprobe claim = { .addr = (kprobe_opcode_t *)addr, .post_handler = claim_flow };
	bool seen;

	if (intercept_is_contested(addr) || register_kprobe(&claim))
		return false;
	seen = intercept_is_contested(addr);
	unregister_kprobe(&claim);
	return seen;
}

static const char *what_is_wrong(struct intercept *ic, long (*function)(long x),
				 enum intercept_how how)
{
	const char *cannot;

	if (ic->how != how)
		return "choose the mechanism";
	cannot = what_fails(function);
	if (!cannot && !within_module(probed_caller, THIS_MODULE))
		cannot = "tell the caller";
	return cannot;
}

static int probe_function(struct intercept *ic, const char *name, long (*function)(long x),
			  enum intercept_how how)
{
	static char symbol[64];
	const char *cannot;
	int err;

	snprintf(symbol, sizeof(symbol), "%s:%s", THIS_MODULE->name, name);
	ic->symbol = symbol;
	ic->handler = probe_handler;
	verb = LET;
	probed = ic;
	err = intercept_install(ic);
	if (err)
		return err;
	cannot = what_is_wrong(ic, function, how);
	if (cannot)
		pr_err("self-probe: cannot %s by %s on this kernel: please report it with uname -a\n",
		       cannot, intercept_how_name(ic));
	intercept_remove(ic);
	if (cannot)
		return -ENODEV;
	if (how == INTERCEPT_KPROBE && !sees_contest(ic->addr)) {
		pr_err("self-probe: cannot see other kprobes on this kernel: please report it with uname -a\n");
		return -ENODEV;
	}
	return 0;
}

/**
 * intercept_self_probe() - see that interception works on this kernel
 *
 * May sleep. Call it once, from the module's init, before anything else.
 *
 * Return: 0, or an error after a line in the kernel log that says what failed.
 */
int intercept_self_probe(void)
{
	/* A call can be on its way through them until the module is unloaded. */
	static struct intercept traced, untraced;
	int err = probe_function(&traced, "probe_traced", probe_traced, INTERCEPT_FTRACE);

	if (!err)
		err = probe_function(&untraced, "probe_notrace", probe_notrace, INTERCEPT_KPROBE);
	if (err)
		intercept_exit();
	return err;
}
