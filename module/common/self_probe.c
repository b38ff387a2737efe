// SPDX-License-Identifier: GPL-2.0
/*
 * Proof, at load, that this kernel lets us do what we live by: each verb of a
 * handler, by ftrace and by kprobe, on functions of our own.
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

static long replacement(long x)
{
	intercept_redirect_done(probed);
	return -x;
}

static void __kprobes probe_handler(struct intercept *ic, struct pt_regs *regs,
				    unsigned long caller)
{
	switch (verb) {
	case LET:
		break;
	case SKIP:
		intercept_return(regs, SKIPPED);
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

static int try_verbs(const char *name, long (*function)(long x), enum intercept_how how)
{
	char symbol[64];
	struct intercept ic = { .symbol = symbol, .handler = probe_handler };
	const char *cannot;
	int err;

	snprintf(symbol, sizeof(symbol), "%s:%s", THIS_MODULE->name, name);
	verb = LET;
	probed = &ic;
	err = intercept_install(&ic);
	if (err)
		return err;
	cannot = ic.how == how ? what_fails(function) : "choose the mechanism";
	if (cannot)
		pr_err("self-probe: cannot %s by %s on this kernel: please report it with uname -a\n",
		       cannot, intercept_how_name(&ic));
	intercept_remove(&ic);
	return cannot ? -ENODEV : 0;
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
	return try_verbs("probe_traced", probe_traced, INTERCEPT_FTRACE) ?:
	       try_verbs("probe_notrace", probe_notrace, INTERCEPT_KPROBE);
}
