// SPDX-License-Identifier: GPL-2.0
/*
 * The handler, which runs at each call of an intercepted function: it applies the
 * filters in the order of their cost, decides, fails the call and records that.
 *
 * It runs in any context, NMI included. It must not sleep, allocate or print, and may
 * only try to take a lock.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "hit.h"
#include "own_file.h"
#include "point.h"
#include "report.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * Recursion guard: a function that the handler calls can call an intercepted function.
 * Such a call is counted as missed. Each context (task, softirq, hardirq, NMI) of a CPU
 * has a depth, so that the calls of an interrupt are still examined.
 */
static DEFINE_PER_CPU(int [CALLERS_CONTEXTS], hit_depth);

static __always_inline bool task_matches(const struct errpath_point *point,
					 const struct intercept *ic)
{
	if (!READ_ONCE(point->task_filter))
		return true;
	return task_set_has(&point->tasks, current) && intercept_in_task(ic);
}

static __always_inline struct callers *hit_callers(const struct errpath_point *point)
{
	/* pairs with smp_store_release() in publish_callers() */
	return smp_load_acquire(&point->callers);
}

static bool arguments_match(const struct errpath_function *fn, struct pt_regs *regs)
{
	const char *device = fn->point->device;

	if (fn->match && !fn->match(regs))
		return false;
	return !*device || !strcmp(device, fn->device(regs));
}

/* Test whether the argument is high enough without the knob min. */
static bool min_is_met(const struct errpath_function *fn, struct pt_regs *regs, unsigned long min)
{
	return min && intercept_arg(regs, fn->min_arg) >= min;
}

static void hit_save_last(struct errpath_point *point, unsigned long caller)
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

/* Like failslab and fail_page_alloc, log no failure of a __GFP_NOWARN allocation. */
static bool is_silent(const struct errpath_function *fn, struct pt_regs *regs)
{
	return fn->request.unit &&
	       (u32)intercept_arg(regs, fn->request.gfp) & (__force u32)__GFP_NOWARN;
}

static void hit_add_frames(struct report *report, struct stack *stack)
{
	stack_walk(stack);
	report->nr_frames = min_t(unsigned int, stack->n, REPORT_MAX_FRAMES);
	memcpy(report->frames, stack->entry, report->nr_frames * sizeof(*report->frames));
}

static void hit_report(struct errpath_function *fn, const char *what, u64 nth,
		       unsigned long caller, struct stack *stack)
{
	struct report *report = report_begin();

	if (!report)
		return;
	report->point = fn->point->name;
	report->function = fn->symbol;
	report->what = what;
	report->nth = nth;
	report->pid = current->pid;
	memcpy(report->comm, current->comm, sizeof(report->comm));
	report->comm[TASK_COMM_LEN - 1] = '\0';
	report->caller = caller;
	report->ratelimit = &fn->point->ratelimit;
	report->nr_frames = 0;
	if (READ_ONCE(fn->point->verbose) > 1)
		hit_add_frames(report, stack);
	report_end(report);
}

/* @what: what hit_inject() did to the call. */
static void hit_record(struct errpath_function *fn, struct pt_regs *regs, const char *what,
		       unsigned long caller, struct stack *stack)
{
	struct errpath_point *point = fn->point;
	u64 nth;

	this_cpu_inc(point->stats->injected);
	sites_count(&point->sites, caller);
	hit_save_last(point, caller);
	if (!READ_ONCE(point->verbose) && !trace_inject_enabled())
		return;
	nth = point_stats(point).matched;
	trace_inject(point->name, fn->symbol, nth, caller);
	if (READ_ONCE(point->verbose) && !is_silent(fn, regs))
		hit_report(fn, what, nth, caller, stack);
}

/* Record the stack, then compare it with the knob targets. @id: set to the stack's id. */
static bool __kprobes stack_is_target(struct errpath_function *fn, struct stack *stack, u32 *id)
{
	struct errpath_point *point = fn->point;

	if (likely(!READ_ONCE(point->stacks.entry) && !READ_ONCE(point->targets.nr)))
		return true;
	*id = stacks_count(&point->stacks, fn->symbol, stack);
	return !READ_ONCE(point->targets.nr) || targets_match(&point->targets, *id);
}

/* Fail the call, or raise its minimum. Return what was done, for the kernel log. */
static const char *hit_inject(struct errpath_function *fn, struct pt_regs *regs, unsigned long min)
{
	if (min) {
		intercept_set_arg(regs, fn->min_arg, min);
		return "gets a higher minimum";
	}
	intercept_return(&fn->ic, regs, READ_ONCE(fn->point->errno) ?: fn->returns);
	return "fails";
}

/* Inlined, because every additional frame lengthens the unwind. */
static __always_inline void hit_examine(struct errpath_function *fn, struct pt_regs *regs,
					unsigned long caller)
{
	struct errpath_point *point = fn->point;
	struct callers *callers = hit_callers(point);
	unsigned long min = READ_ONCE(point->min);
	struct stack stack;
	unsigned long site;
	const char *what;
	u32 id = 0;

	if (!arguments_match(fn, regs))
		return;
	if (fn->request.unit && !request_matches(&point->request, &fn->request, regs))
		return;
	stack_init(&stack, regs->ip, caller);
	site = callers_site(callers, &stack);
	if (!stack_matches(callers, &point->stack, &stack, site))
		return;
	if (fn->request.unit && intercept_in_task(&fn->ic) && own_file_is_opened())
		return;
	if (!stack_is_target(fn, &stack, &id))
		return;
	this_cpu_inc(point->stats->matched);
	if (min_is_met(fn, regs, min) ||
	    !fault_rules_should_fail(&point->rules, request_weight(&fn->request, regs)))
		return;
	what = hit_inject(fn, regs, min);
	if (id)
		stacks_injected(&point->stacks, id);
	hit_record(fn, regs, what, site, &stack);
}

/* Not inlined: most calls do not get here and need not set up its large stack frame. */
static noinline void __kprobes hit_examine_once(struct errpath_function *fn,
						struct pt_regs *regs, unsigned long caller)
{
	unsigned int context = interrupt_context_level();

	if (this_cpu_inc_return(hit_depth[context]) == 1)
		hit_examine(fn, regs, caller);
	else
		this_cpu_inc(fn->point->stats->missed);
	this_cpu_dec(hit_depth[context]);
}

/**
 * errpath_hit() - handle a call of a point's function
 * @ic: the interception, part of a struct errpath_function
 * @regs: the registers at the function's entry
 * @caller: the call's return address
 *
 * Disables preemption, so that memory that is freed under RCU stays valid.
 *
 * Context: any.
 */
void __kprobes errpath_hit(struct intercept *ic, struct pt_regs *regs, unsigned long caller)
{
	struct errpath_function *fn = container_of(ic, struct errpath_function, ic);
	struct errpath_point *point = fn->point;

	preempt_disable_notrace();
	/* pairs with smp_store_release() in point_go_live(): the setup is visible */
	if (!smp_load_acquire(&point->live))
		goto out;
	this_cpu_inc(point->stats->seen);
	if (task_matches(point, ic) && callers_may_match(hit_callers(point), caller))
		hit_examine_once(fn, regs, caller);
out:
	preempt_enable_notrace();
}
