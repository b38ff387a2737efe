/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Intercept a kernel function at its entry: make it return early, call another function
 * instead, or change an argument. Traceable functions are intercepted by ftrace, notrace
 * functions by an int3 kprobe.
 */
#ifndef ERRPATH_INTERCEPT_H
#define ERRPATH_INTERCEPT_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>

#include "arch.h"
#include "early_return.h"

enum intercept_how {
	INTERCEPT_NONE,
	INTERCEPT_FTRACE,
	INTERCEPT_KPROBE,
};

struct intercept_hook;

/**
 * struct intercept - interception of one function, installed or not
 * @symbol: the function, as NAME or MODULE:NAME
 * @handler: called at each entry of the function, in the context of the function or, by
 *	kprobe, in NMI context: it must not sleep, wait for a lock, or allocate.
 *	Preemption can be enabled.
 * @how: the mechanism that is installed
 * @addr: the first instruction after any ENDBR; 0: not looked up yet
 * @redirected: number of calls that are inside a replacement function
 * @early_return: index of its function in early_return_functions, plus 1
 *
 * It must stay in memory until the module is unloaded: a call can still be inside its
 * @early_return function after intercept_remove().
 */
struct intercept {
	const char *symbol;
	void (*handler)(struct intercept *ic, struct pt_regs *regs, unsigned long caller);
	/* private: */
	enum intercept_how how;
	bool traceable;
	bool redirects;
	unsigned int early_return;
	unsigned long addr;
	atomic_t redirected;
	struct intercept_hook *hook;
	struct kprobe probe;
};

int intercept_install_all(struct intercept *ics[], unsigned int n);
void intercept_remove_all(struct intercept *ics[], unsigned int n);

static inline int intercept_install(struct intercept *ic)
{
	return intercept_install_all(&ic, 1);
}

static inline void intercept_remove(struct intercept *ic)
{
	intercept_remove_all(&ic, 1);
}

bool intercept_is_live(const struct intercept *ic);
void intercept_forget(struct intercept *ic);
bool intercept_is_contested(unsigned long addr);
void intercept_exit(void);
unsigned long intercept_missed(const struct intercept *ic);
const char *intercept_how_name(const struct intercept *ic);
int intercept_self_probe(void);

/* What a handler can do. regs are the registers at the function's entry. */

static __always_inline unsigned long intercept_arg(struct pt_regs *regs, unsigned int n)
{
	return *arch_arg(regs, n);
}

static __always_inline void intercept_set_arg(struct pt_regs *regs, unsigned int n,
					      unsigned long value)
{
	*arch_arg(regs, n) = value;
}

/*
 * Make the call return @value without running the function. If two calls return early at
 * the same time with different values, both can return the later value.
 */
static __always_inline void intercept_return(struct intercept *ic, struct pt_regs *regs,
					     long value)
{
	unsigned int i = ic->early_return - 1;

	if (READ_ONCE(early_return_values[i]) != value)
		WRITE_ONCE(early_return_values[i], value);
	arch_jump(regs, (unsigned long)early_return_functions[i]);
}

/*
 * Call @function, which has the same type, instead. It must call
 * intercept_redirect_done() last: intercept_remove() waits for that, and then for the few
 * instructions after it.
 */
static __always_inline void intercept_redirect(struct intercept *ic, struct pt_regs *regs,
					       void *function)
{
	ic->redirects = true;
	atomic_inc(&ic->redirected);
	arch_jump(regs, (unsigned long)function);
}

static __always_inline void intercept_redirect_done(struct intercept *ic)
{
	atomic_dec(&ic->redirected);
}

/* Test whether a task called the function, rather than an interrupt. */
static __always_inline bool intercept_in_task(const struct intercept *ic)
{
	return ic->how == INTERCEPT_KPROBE ? arch_breakpoint_in_task() : in_task();
}

#endif /* ERRPATH_INTERCEPT_H */
