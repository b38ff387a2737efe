// SPDX-License-Identifier: GPL-2.0
/*
 * Self-test at load: everything that a handler can do is tried on functions of this
 * module, by ftrace and by kprobe.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "intercept.h"

#undef pr_fmt
#define pr_fmt(fmt)	"%s: " fmt, THIS_MODULE->name

#define NORMAL_RESULT(x)	((x) + 1)
#define EARLY_RESULT		0x5afe
#define OTHER_ARG		1000

static noinline notrace long probe_notrace(long x)
{
	barrier();
	return NORMAL_RESULT(x);
}

static noinline long probe_traced(long x)
{
	barrier();
	return NORMAL_RESULT(x);
}

static enum { PASS, RETURN_EARLY, SET_ARGUMENT, REDIRECT } probed_action;
static struct intercept *probed;
static unsigned long probed_caller;

static long replacement(long x)
{
	intercept_redirect_done(probed);
	return -x;
}

static void __kprobes probe_handler(struct intercept *ic, struct arch_regs *regs,
				    unsigned long caller)
{
	probed_caller = caller;
	switch (probed_action) {
	case PASS:
		break;
	case RETURN_EARLY:
		intercept_return(ic, regs, EARLY_RESULT);
		break;
	case SET_ARGUMENT:
		intercept_set_arg(regs, 0, OTHER_ARG);
		break;
	case REDIRECT:
		intercept_redirect(ic, regs, replacement);
		break;
	}
}

/* Try each action. Return what does not work, or NULL. */
static const char *failing_action(long (*function)(long x))
{
	/* The compiler must not compute the result at build time. */
	OPTIMIZER_HIDE_VAR(function);
	probed_action = PASS;
	if (function(7) != NORMAL_RESULT(7))
		return "let a call pass";
	probed_action = RETURN_EARLY;
	if (function(7) != EARLY_RESULT)
		return "make a function return early";
	probed_action = SET_ARGUMENT;
	if (function(7) != NORMAL_RESULT(OTHER_ARG))
		return "change an argument";
	probed_action = REDIRECT;
	if (function(7) != -7)
		return "call another function instead";
	return NULL;
}

/* A kprobe with a post_handler may change the control flow of a function. */
static void foreign_post_handler(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static bool sees_foreign_kprobe(unsigned long addr)
{
	struct kprobe foreign = {
		.addr = (kprobe_opcode_t *)addr,
		.post_handler = foreign_post_handler,
	};
	bool seen;

	if (intercept_is_contested(addr) || register_kprobe(&foreign))
		return false;
	seen = intercept_is_contested(addr);
	unregister_kprobe(&foreign);
	return seen;
}

/* Return what does not work with an installed interception, or NULL. */
static const char *find_failure(struct intercept *ic, long (*function)(long x),
				enum intercept_how how)
{
	const char *cannot;

	if (ic->how != how)
		return "choose the mechanism";
	cannot = failing_action(function);
	if (!cannot && !within_module(probed_caller, THIS_MODULE))
		cannot = "find the caller";
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
	probed_action = PASS;
	probed = ic;
	err = intercept_install(ic);
	if (err)
		return err;
	cannot = find_failure(ic, function, how);
	if (cannot)
		pr_err("self-test: cannot %s by %s on this kernel: please report this line and uname -a\n",
		       cannot, intercept_how_name(ic));
	intercept_remove(ic);
	if (cannot)
		return -ENODEV;
	if (how == INTERCEPT_KPROBE && !sees_foreign_kprobe(ic->addr)) {
		pr_err("self-test: cannot see other kprobes on this kernel: please report this line and uname -a\n");
		return -ENODEV;
	}
	return 0;
}

/**
 * intercept_self_probe() - test that interception works on this kernel
 *
 * Call it once, first in the module's init.
 *
 * Context: may sleep.
 *
 * Return: 0, or an error after a line in the kernel log that says what failed.
 */
int intercept_self_probe(void)
{
	/* Static: see struct intercept. */
	static struct intercept traced, untraced;
	int err = probe_function(&traced, "probe_traced", probe_traced, INTERCEPT_FTRACE);

	if (!err)
		err = probe_function(&untraced, "probe_notrace", probe_notrace, INTERCEPT_KPROBE);
	if (err)
		intercept_exit();
	return err;
}
