/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Intercept a kernel function at its entry: make it return early, go
 * elsewhere, or get another argument. By ftrace where the function is
 * traceable, by an int3 kprobe where it is notrace.
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
 * struct intercept - one function, intercepted or not
 * @symbol: the function, as NAME or MODULE:NAME
 * @handler: called at each entry of the function, in the function's own
 *	context or, by kprobe, in NMI context: it must not sleep, take a lock
 *	that others hold, or allocate. Preemption may be on.
 * @how: what intercepts it now
 * @addr: the first instruction after any ENDBR; 0: not looked up yet
 * @redirected: calls now inside a replacement function
 * @early_return: index of its function in early_return_functions, plus 1
 *
 * It must stay in memory until the module is unloaded: a call can still be on its
 * way through @early_return after intercept_remove().
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

/* What a handler can do. regs hold what a function's entry holds: arguments, sp, ip. */

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
 * Return @value to the caller at once. Of two calls that are made to return at the
 * same time with different values, both may get the later one.
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
 * Go to @function, of the same type, instead. Its last act must be
 * intercept_redirect_done(): intercept_remove() waits for that, then for the
 * few instructions after it.
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

/* Was the function called by a task, rather than by an interrupt? */
static __always_inline bool intercept_in_task(const struct intercept *ic)
{
	return ic->how == INTERCEPT_KPROBE ? arch_breakpoint_in_task() : in_task();
}

#endif /* ERRPATH_INTERCEPT_H */
