// SPDX-License-Identifier: GPL-2.0
/*
 * What happens at each call of an intercepted function: the filters in the
 * order of their cost, the decision, the failure, and the record of it.
 *
 * Runs in any context, NMI included: nothing here sleeps, allocates, prints or
 * takes a lock that is not a trylock.
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
 * What the handler itself calls may call what it intercepts: look at such calls no further.
 * One count for each context: the calls of an interrupt that arrives meanwhile are looked at.
 */
static DEFINE_PER_CPU(int [CALLERS_CONTEXTS], inside);

static __always_inline bool task_matches(const struct errpath_point *point,
					 const struct intercept *ic)
{
	if (!READ_ONCE(point->task_filter))
		return true;
	return task_set_has(&point->tasks, current) && intercept_in_task(ic);
}

static __always_inline struct callers *callers_of(const struct errpath_point *point)
{
	/* pairs with smp_store_release() in publish_callers() */
	return smp_load_acquire(&point->callers);
}

/* By arguments: which of the function's calls the point is about. */
static bool arguments_match(const struct errpath_function *fn, struct pt_regs *regs)
{
	const char *device = fn->point->device;

	if (fn->match && !fn->match(regs))
		return false;
	return !*device || !strcmp(device, fn->device(regs));
}

/* The argument is high enough already. */
static bool has_min(const struct errpath_function *fn, struct pt_regs *regs, unsigned long min)
{
	return min && intercept_arg(regs, fn->min_arg) >= min;
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

/* As the kernel's own injectors: who asks for silence gets it. */
static bool is_silent(const struct errpath_function *fn, struct pt_regs *regs)
{
	return fn->asks.unit &&
	       (u32)intercept_arg(regs, fn->asks.gfp) & (__force u32)__GFP_NOWARN;
}

static void add_frames(struct report *report, struct stack *stack)
{
	stack_walk(stack);
	report->nr_frames = min_t(unsigned int, stack->n, REPORT_MAX_FRAMES);
	memcpy(report->frames, stack->entry, report->nr_frames * sizeof(*report->frames));
}

static void report_line(struct errpath_function *fn, const char *what, u64 nth,
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
		add_frames(report, stack);
	report_end(report);
}

/* @regs: those at the function's entry; the call's outcome is decided already. */
static void record(struct errpath_function *fn, struct pt_regs *regs, const char *what,
		   unsigned long caller, struct stack *stack)
{
	struct errpath_point *point = fn->point;
	u64 nth;

	this_cpu_inc(point->stats->injected);
	sites_count(&point->sites, caller);
	remember(point, caller);
	if (!READ_ONCE(point->verbose) && !trace_inject_enabled())
		return;
	nth = point_stats(point).matched;
	trace_inject(point->name, fn->symbol, nth, caller);
	if (READ_ONCE(point->verbose) && !is_silent(fn, regs))
		report_line(fn, what, nth, caller, stack);
}

/* After all that the stack tells: is the call one of the targets? Its stack is counted. */
static bool __kprobes stack_is_target(struct errpath_function *fn, struct stack *stack, u32 *id)
{
	struct errpath_point *point = fn->point;

	if (likely(!READ_ONCE(point->stacks.entry) && !READ_ONCE(point->targets.nr)))
		return true;
	*id = stacks_count(&point->stacks, fn->symbol, stack);
	return !READ_ONCE(point->targets.nr) || targets_match(&point->targets, *id);
}

/* Fail the call, or have it get a higher minimum; says so in a word. */
static const char *inject(struct errpath_function *fn, struct pt_regs *regs, unsigned long min)
{
	if (min) {
		intercept_set_arg(regs, fn->min_arg, min);
		return "gets a higher minimum";
	}
	intercept_return(&fn->ic, regs, READ_ONCE(fn->point->errno) ?: fn->returns);
	return "fails";
}

/* Inline: each frame more is one more to unwind. */
static __always_inline void consider_once(struct errpath_function *fn, struct pt_regs *regs,
					  unsigned long caller)
{
	struct errpath_point *point = fn->point;
	struct callers *callers = callers_of(point);
	unsigned long min = READ_ONCE(point->min);
	struct stack stack;
	unsigned long site;
	const char *what;
	u32 id = 0;

	if (!arguments_match(fn, regs))
		return;
	if (fn->asks.unit && !request_matches(&point->request, &fn->asks, regs))
		return;
	stack_init(&stack, regs->ip, caller);
	site = callers_site(callers, &stack);
	if (!stack_matches(callers, &point->stack, &stack, site))
		return;
	if (fn->asks.unit && intercept_in_task(&fn->ic) && own_file_is_opened())
		return;
	if (!stack_is_target(fn, &stack, &id))
		return;
	this_cpu_inc(point->stats->matched);
	if (has_min(fn, regs, min) ||
	    !fault_rules_should_fail(&point->rules, request_weight(&fn->asks, regs)))
		return;
	what = inject(fn, regs, min);
	if (id)
		stacks_injected(&point->stacks, id);
	record(fn, regs, what, site, &stack);
}

/* Out of line: most calls do not get here, and should not pay for its stack frame. */
static noinline void __kprobes consider(struct errpath_function *fn, struct pt_regs *regs,
					unsigned long caller)
{
	unsigned int context = interrupt_context_level();

	if (this_cpu_inc_return(inside[context]) == 1)
		consider_once(fn, regs, caller);
	else
		this_cpu_inc(fn->point->stats->missed);
	this_cpu_dec(inside[context]);
}

/**
 * errpath_hit() - a point's function is entered
 * @ic: the interception, part of a struct errpath_function
 * @regs: the function's registers at its entry
 * @caller: where it would return to
 *
 * Preemption is off in here: what RCU frees is safe to use.
 *
 * Context: any.
 */
void __kprobes errpath_hit(struct intercept *ic, struct pt_regs *regs, unsigned long caller)
{
	struct errpath_function *fn = container_of(ic, struct errpath_function, ic);
	struct errpath_point *point = fn->point;

	preempt_disable_notrace();
	/* pairs with smp_store_release() in arm(): the first call sees all that was set up */
	if (!smp_load_acquire(&point->live))
		goto out;
	this_cpu_inc(point->stats->seen);
	if (task_matches(point, ic) && callers_may_match(callers_of(point), caller))
		consider(fn, regs, caller);
out:
	preempt_enable_notrace();
}
