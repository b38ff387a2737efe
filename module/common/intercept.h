/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Intercept a kernel function at its entry: make it return early, call another function
 * instead, or change an argument. Traceable functions are intercepted by ftrace, notrace
 * functions by a kprobe with a breakpoint.
 */
#ifndef ERRPATH_INTERCEPT_H
#define ERRPATH_INTERCEPT_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>

#include "arch.h"
#include "compat.h"
#include "early_return.h"

enum intercept_how {
	INTERCEPT_NONE,
	INTERCEPT_FTRACE,
	INTERCEPT_KPROBE,
};

struct intercept;

/**
 * struct intercept_entry - what ftrace and kprobes call at the entry of a function
 * @by_ftrace: calls the handler of the interception that the hook has for the address
 * @by_kprobe: calls the handler of the interception that has the kprobe
 *
 * INTERCEPT_ENTRY() defines one, with a handler that is inlined into both functions.
 */
struct intercept_entry {
	ftrace_func_t by_ftrace;
	kprobe_pre_handler_t by_kprobe;
};

/**
 * struct intercept_hook - the ftrace_ops for all functions of one intercept_install_all()
 * @ops: shared, because each ftrace_ops that is unregistered waits for all tasks
 * @mask: number of slots in @at, a power of two, minus 1
 * @at: hash table of the interceptions by address; at most half of its slots are used. The
 *	other slots have one that is of no function
 */
struct intercept_hook {
	struct ftrace_ops ops;
	unsigned long mask;
	struct intercept *at[];
};

/**
 * struct intercept - interception of one function, installed or not
 * @symbol: the function, as NAME or MODULE:NAME
 * @handler: called at each entry of the function, in the context of the function or, by
 *	kprobe, in NMI context: it must not sleep, wait for a lock, or allocate.
 *	Preemption can be enabled. Unused if @entry is set
 * @entry: functions with another handler, which is inlined; NULL: they call @handler. All
 *	interceptions of one intercept_install_all() have the same @entry
 * @how: the mechanism that is installed
 * @addr: the first instruction after any landing pad; 0: not looked up yet
 * @ip: the address by which ftrace knows the function
 * @redirected: number of calls that are inside a replacement function
 * @early_return: index of its function in early_return_functions, plus 1
 *
 * It must stay in memory until intercept_release_all() or until the module is unloaded: a call
 * can still be inside its @early_return function after intercept_remove().
 */
struct intercept {
	const char *symbol;
	void (*handler)(struct intercept *ic, struct arch_regs *regs, unsigned long caller);
	const struct intercept_entry *entry;
	/* private: */
	enum intercept_how how;
	bool traceable;
	bool redirects;
	unsigned int early_return;
	unsigned long addr;
	unsigned long ip;
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
void intercept_release_all(struct intercept *ics[], unsigned int n);
bool intercept_is_contested(unsigned long addr);
void intercept_keep_breakpoint(struct kprobe *probe, struct pt_regs *regs, unsigned long flags);
void intercept_exit(void);
unsigned long intercept_missed(const struct intercept *ic);
const char *intercept_how_name(const struct intercept *ic);
int intercept_self_probe(void);

unsigned long intercept_hooked_caller(struct arch_regs *regs, unsigned long trampoline);

static __always_inline const struct intercept_hook *intercept_hook_of(struct ftrace_ops *ops)
{
	return container_of(ops, struct intercept_hook, ops);
}

struct intercept *intercept_search(const struct intercept_hook *hook, unsigned long ip);

/* Functions are aligned to 16 bytes, so the lower four bits carry no information. */
static __always_inline unsigned long hook_slot(const struct intercept_hook *hook, unsigned long ip)
{
	return (ip >> 4) & hook->mask;
}

/*
 * Return the caller. @parent: the call's return address, which is that of a trampoline if a
 * function whose return is hooked ended with a jump to this function.
 */
static __always_inline unsigned long intercept_caller(struct arch_regs *regs, unsigned long parent)
{
	int i;

	for (i = 0; i < INTERCEPT_TRAMPOLINES; i++)
		if (unlikely(parent == intercept_trampolines[i]))
			return intercept_hooked_caller(regs, parent);
	return parent;
}

/* Calls the handler of the interception. */
extern const struct intercept_entry intercept_default_entry;

/*
 * Define a const struct intercept_entry whose functions call NAME_handle(struct intercept *,
 * struct arch_regs *, unsigned long parent), which should be __always_inline.
 */
#define INTERCEPT_ENTRY(_name)							\
static noinline void __kprobes _name##_search(unsigned long ip, unsigned long parent,	\
					      struct ftrace_ops *ops,		\
					      struct ftrace_regs *fregs)	\
{										\
	struct intercept *ic = intercept_search(intercept_hook_of(ops), ip);	\
	struct arch_regs_space space;						\
										\
	if (ic)									\
		_name##_handle(ic, arch_regs_by_ftrace(fregs, &space), parent);	\
}										\
										\
static void __kprobes _name##_by_ftrace(unsigned long ip, unsigned long parent,	\
					struct ftrace_ops *ops,			\
					struct ftrace_regs *fregs)		\
{										\
	const struct intercept_hook *hook = intercept_hook_of(ops);		\
	struct intercept *ic = hook->at[hook_slot(hook, ip)];			\
	struct arch_regs_space space;						\
										\
	if (likely(ic->ip == ip))						\
		_name##_handle(ic, arch_regs_by_ftrace(fregs, &space), parent);	\
	else									\
		_name##_search(ip, parent, ops, fregs);				\
}										\
										\
static int __kprobes _name##_by_kprobe(struct kprobe *probe, struct pt_regs *pt_regs)	\
{										\
	struct arch_regs_space space;						\
	struct arch_regs *regs = arch_regs_by_kprobe(pt_regs, &space);		\
	unsigned long ip = arch_ip(regs);					\
										\
	_name##_handle(container_of(probe, struct intercept, probe), regs,	\
		       arch_return_address(regs));				\
	/* 1: the handler changed ip; do not single-step the probed instruction */	\
	return arch_ip(regs) != ip;						\
}										\
										\
const struct intercept_entry _name = {						\
	.by_ftrace = _name##_by_ftrace,						\
	.by_kprobe = _name##_by_kprobe,						\
}

/* What a handler can do. regs are the registers at the function's entry. */

static __always_inline unsigned long intercept_arg(struct arch_regs *regs, unsigned int n)
{
	return *arch_arg(regs, n);
}

static __always_inline void intercept_set_arg(struct arch_regs *regs, unsigned int n,
					      unsigned long value)
{
	*arch_arg(regs, n) = value;
}

/*
 * Make the call return @value without running the function. If two calls return early at
 * the same time with different values, both can return the later value.
 */
static __always_inline void intercept_return(struct intercept *ic, struct arch_regs *regs,
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
static __always_inline void intercept_redirect(struct intercept *ic, struct arch_regs *regs,
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
