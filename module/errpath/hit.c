// SPDX-License-Identifier: GPL-2.0
/*
 * What happens at each call of an intercepted function: the filters in the
 * order of their cost, the decision, the failure, and the record of it.
 *
 * Runs in any context, NMI included, and with preemption on: nothing here
 * sleeps, allocates or takes a lock that is not a trylock.
 */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "hit.h"
#include "point.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* What the handler itself calls may call what it intercepts: look at such calls no further. */
static DEFINE_PER_CPU(int, inside);

static bool task_matches(const struct errpath_point *point, const struct intercept *ic)
{
	if (!READ_ONCE(point->task_filter))
		return true;
	return task_set_has(&point->tasks, current) && intercept_in_task(ic);
}

static const struct callers *callers_of(const struct errpath_point *point)
{
	/* pairs with smp_store_release() in replace_callers() */
	return smp_load_acquire(&point->callers);
}

/* By arguments: which of the function's calls are meant. */
static bool arguments_match(const struct errpath_function *fn, struct pt_regs *regs)
{
	const char *device = fn->point->device;

	if (fn->match && !fn->match(regs))
		return false;
	return !*device || !strcmp(device, fn->device(regs));
}

/* The call goes on, but must be content with something higher. */
static bool raise_min(const struct errpath_function *fn, struct pt_regs *regs, unsigned long min)
{
	if (!min)
		return false;
	if (intercept_arg(regs, fn->min_arg) < min)
		intercept_set_arg(regs, fn->min_arg, min);
	return true;
}

static void remember(struct errpath_point *point, unsigned long caller)
{
	struct errpath_last *last = &point->last;

	if (atomic_xchg_acquire(&last->busy, 1))
		return;
	last->pid = current->pid;
	memcpy(last->comm, current->comm, sizeof(last->comm));
	last->comm[TASK_COMM_LEN - 1] = '\0';
	last->caller = caller;
	atomic_set_release(&last->busy, 0);
}

static void report(struct errpath_function *fn, unsigned long caller)
{
	struct errpath_point *point = fn->point;
	u64 nth;

	if (!point->verbose && !trace_inject_enabled())
		return;
	nth = point_stats(point).matched;
	trace_inject(point->name, fn->symbol, nth, caller);
	if (!point->verbose || !__ratelimit(&point->ratelimit))
		return;
	pr_notice("inject %s: %s() %s, call %llu, pid %d (%s), caller %pS\n", point->name,
		  fn->symbol, point->min ? "gets a higher minimum" : "fails", nth, current->pid,
		  current->comm, (void *)caller);
	if (point->verbose > 1)
		dump_stack();
}

/* Is this call meant, after all that the stack tells? Any that gets here has its stack counted. */
static bool __kprobes stack_is_meant(struct errpath_function *fn, struct stack *stack, u32 *id)
{
	struct errpath_point *point = fn->point;

	if (likely(!READ_ONCE(point->stacks.entry) && !READ_ONCE(point->targets.nr)))
		return true;
	*id = stacks_count(&point->stacks, fn->symbol, stack);
	return !READ_ONCE(point->targets.nr) || targets_match(&point->targets, *id);
}

/* Inline: each frame more is one more to unwind. */
static __always_inline void consider_once(struct errpath_function *fn, struct pt_regs *regs,
					  unsigned long caller)
{
	struct errpath_point *point = fn->point;
	const struct callers *callers = callers_of(point);
	struct stack stack;
	unsigned long site;
	u32 id = 0;

	if (!arguments_match(fn, regs))
		return;
	if (fn->asks.unit && !request_matches(&point->request, &fn->asks, regs))
		return;
	stack_init(&stack, regs->ip, caller);
	site = callers_site(callers, &stack);
	if (!stack_matches(callers, &point->stack, &stack, site))
		return;
	if (!stack_is_meant(fn, &stack, &id))
		return;
	this_cpu_inc(point->stats->matched);
	if (!fault_rules_should_fail(&point->rules, 1))
		return;
	if (!raise_min(fn, regs, READ_ONCE(point->min)))
		intercept_return(regs, READ_ONCE(point->errno) ?: fn->returns);
	this_cpu_inc(point->stats->injected);
	sites_count(&point->sites, site);
	if (id)
		stacks_injected(&point->stacks, id);
	remember(point, site);
	report(fn, site);
}

/* Out of line: most calls do not get here, and should not pay for its stack frame. */
static noinline void __kprobes consider(struct errpath_function *fn, struct pt_regs *regs,
					unsigned long caller)
{
	preempt_disable_notrace();
	if (this_cpu_inc_return(inside) == 1)
		consider_once(fn, regs, caller);
	else
		this_cpu_inc(fn->point->stats->missed);
	this_cpu_dec(inside);
	preempt_enable_notrace();
}

/**
 * errpath_hit() - a point's function is entered
 * @ic: the interception, part of a struct errpath_function
 * @regs: the function's registers at its entry
 * @caller: where it would return to
 *
 * Any context.
 */
void __kprobes errpath_hit(struct intercept *ic, struct pt_regs *regs, unsigned long caller)
{
	struct errpath_function *fn = container_of(ic, struct errpath_function, ic);
	struct errpath_point *point = fn->point;

	this_cpu_inc(point->stats->seen);
	if (!task_matches(point, ic))
		return;
	if (!callers_may_match(callers_of(point), caller))
		return;
	consider(fn, regs, caller);
}
