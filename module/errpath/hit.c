// SPDX-License-Identifier: GPL-2.0
/*
 * The handler, which runs at each call of an intercepted function: it applies the
 * filters in the order of their cost, decides, fails the call and records that.
 *
 * It runs in any context, NMI included. It must not sleep, allocate or print, and may
 * only try to take a lock.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
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

/**
 * struct hit_context - what a handler needs, too large for the stack
 * @stack: stack of the call
 * @depth: recursion guard. A function that the handler calls can call an intercepted
 *	function; such a call is counted as missed
 *
 * Not on the stack also because kernels with CONFIG_INIT_STACK_ALL_ZERO would clear it at
 * each call. Each context (task, softirq, hardirq, NMI) of a CPU has one, so that the calls
 * of an interrupt are still examined.
 */
struct hit_context {
	struct stack stack;
	int depth;
};

static DEFINE_PER_CPU(struct hit_context [CALLERS_CONTEXTS], hit_contexts);

/* Return interrupt_context_level(), with few instructions in a task. */
static __always_inline unsigned int hit_level(void)
{
	return unlikely(preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET)) ?
	       interrupt_context_level() : 0;
}

static __always_inline struct callers *hit_callers(const struct errpath_point *point)
{
	/* pairs with smp_store_release() in publish_callers() */
	return smp_load_acquire(&point->callers);
}

/* Not inlined: most functions do not look at their arguments. */
static noinline bool __kprobes arguments_match(const struct errpath_function *fn,
					       struct arch_regs *regs)
{
	const struct errpath_point *point = fn->point;
	const char *device = point->device;

	if (fn->match && !fn->match(regs))
		return false;
	if (*device && strcmp(device, fn->device(regs)))
		return false;
	return !fn->request.unit || request_matches(&point->request, &fn->request, regs);
}

/* An allocation for the open(2) of a file of errpath does not fail. */
static noinline bool __kprobes is_spared(const struct errpath_function *fn)
{
	return fn->request.unit && intercept_in_task(&fn->ic) && own_file_is_opened();
}

/*
 * Test whether the call can have what happens instead of a failure: an argument that is high
 * enough is not raised. An NMI is not delayed, nor a call behind a breakpoint, whose handler runs
 * with interrupts off.
 */
static noinline bool __kprobes instead_applies(const struct errpath_function *fn,
					       struct arch_regs *regs, enum point_instead instead)
{
	if (instead == INSTEAD_DELAY)
		return fn->ic.how == INTERCEPT_FTRACE && !in_nmi();
	return intercept_arg(regs, fn->min_arg) < READ_ONCE(fn->point->min);
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
static bool is_silent(const struct errpath_function *fn, struct arch_regs *regs)
{
	return fn->request.unit &&
	       (u32)intercept_arg(regs, fn->request.gfp) & (__force u32)__GFP_NOWARN;
}

static void hit_add_frames(struct report *report, struct stack *stack)
{
	report->nr_frames = min_t(unsigned int, stack_unwind(stack, REPORT_MAX_FRAMES),
				  REPORT_MAX_FRAMES);
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

/* Not inlined: a failure that is not logged needs no stack frame for this. */
static noinline void __kprobes hit_log(struct errpath_function *fn, struct arch_regs *regs,
				       enum point_instead instead, unsigned long caller,
				       struct stack *stack)
{
	static const char * const whats[] = {
		[INSTEAD_NOTHING] = "fails",
		[INSTEAD_RAISE_MIN] = "gets a higher minimum",
		[INSTEAD_DELAY] = "is delayed",
	};
	const char *what = whats[instead];
	struct errpath_point *point = fn->point;
	u64 nth = point_stats(point).matched;

	trace_inject(point->name, fn->symbol, nth, caller);
	if (READ_ONCE(point->verbose) && !is_silent(fn, regs))
		hit_report(fn, what, nth, caller, stack);
}

/* @instead: as for hit_inject(). */
static __always_inline void hit_record(struct errpath_function *fn, struct arch_regs *regs,
				       enum point_instead instead, unsigned long caller,
				       struct stack *stack)
{
	struct errpath_point *point = fn->point;

	this_cpu_inc(point->stats->injected);
	sites_count(&point->sites, caller);
	hit_save_last(point, caller);
	if (READ_ONCE(point->verbose) || trace_inject_enabled())
		hit_log(fn, regs, instead, caller, stack);
}

/* Record the stack, if a knob needs it. Return its id, or 0. */
static __always_inline u32 hit_stack_id(struct errpath_function *fn, struct arch_regs *regs,
					struct stack *stack)
{
	struct errpath_point *point = fn->point;

	if (likely(!READ_ONCE(point->stacks.table) && !READ_ONCE(point->targets.nr)))
		return 0;
	return stacks_count(&point->stacks, fn->symbol, &fn->request, regs, stack);
}

/* What the call subtracts from the knob space. */
static __always_inline int hit_weight(const struct errpath_function *fn, struct arch_regs *regs)
{
	return fn->by_arguments ? request_weight(&fn->request, regs) : 1;
}

/*
 * By the clock: in a guest of 6.1, 60 ms of udelay() took 3 ms. The number of steps is limited, as
 * a clock can stand still while interrupts are off.
 */
static void hit_delay(unsigned long us)
{
	u64 end = ktime_get_mono_fast_ns() + us * NSEC_PER_USEC;
	unsigned long steps = 50 * us;

	for (; steps && ktime_get_mono_fast_ns() < end; steps--)
		udelay(1);
}

static noinline void __kprobes hit_instead(const struct errpath_function *fn,
					   struct arch_regs *regs, enum point_instead instead)
{
	if (instead == INSTEAD_DELAY)
		hit_delay(READ_ONCE(fn->point->delay_us));
	else
		intercept_set_arg(regs, fn->min_arg, READ_ONCE(fn->point->min));
}

/* What a failed call returns. */
static __always_inline long hit_value(const struct errpath_function *fn)
{
	return fn->by_errno ? READ_ONCE(fn->point->errno) : fn->returns;
}

/* Fail the call, or do @instead. */
static __always_inline void hit_inject(struct errpath_function *fn, struct arch_regs *regs,
				       enum point_instead instead)
{
	if (unlikely(instead))
		hit_instead(fn, regs, instead);
	else
		intercept_return(&fn->ic, regs, hit_value(fn));
}

static __always_inline bool stack_passes(struct errpath_function *fn, struct callers *callers,
					 struct stack *stack, unsigned long site)
{
	bool passes;

	if (stack_always_matches(callers, &fn->point->stack))
		return true;
	passes = stack_matches(callers, &fn->point->stack, stack, site);
	if (stack->n)
		this_cpu_inc(fn->point->stats->walked);
	return passes;
}

static __always_inline void hit_examine(struct errpath_function *fn, struct arch_regs *regs,
					unsigned long caller, struct hit_context *context)
{
	struct errpath_point *point = fn->point;
	struct stack *stack = &context->stack;
	struct callers *callers = hit_callers(point);
	enum point_instead instead;
	unsigned long site;
	u32 id;

	if (fn->by_arguments && !arguments_match(fn, regs))
		return;
	stack_init(stack, regs, caller);
	site = callers_site(callers, stack);
	if (!stack_passes(fn, callers, stack, site))
		return;
	if (fn->by_arguments && is_spared(fn))
		return;
	id = hit_stack_id(fn, regs, stack);
	if (READ_ONCE(point->targets.nr) && !targets_match(&point->targets, id))
		return;
	this_cpu_inc(point->stats->matched);
	instead = READ_ONCE(point->instead);
	if (unlikely(instead) && !instead_applies(fn, regs, instead))
		return;
	if (!fault_rules_should_fail(&point->rules, hit_weight(fn, regs)))
		return;
	hit_inject(fn, regs, instead);
	if (id)
		stacks_injected(&point->stacks, id);
	hit_record(fn, regs, instead, site, stack);
}

static bool task_matches(const struct errpath_point *point, const struct intercept *ic)
{
	return !READ_ONCE(point->task_filter) ||
	       (task_set_has(&point->tasks, current) && intercept_in_task(ic));
}

/*
 * Preemption is disabled, so that memory that is freed under RCU stays valid. Not inlined:
 * most calls do not get here and need not save registers. The order of the arguments is
 * that of an ftrace_func_t, so that most stay where they are.
 */
static noinline void __kprobes hit_call(struct errpath_function *fn, unsigned long parent,
					struct errpath_point *point, struct arch_regs *regs)
{
	struct hit_context *context;
	unsigned long caller;

	preempt_disable_notrace();
	if (!task_matches(point, &fn->ic))
		goto out;
	caller = intercept_caller(regs, parent);
	if (!callers_may_match(hit_callers(point), &point->stack, caller, regs))
		goto out;
	context = this_cpu_ptr(&hit_contexts[hit_level()]);
	if (!context->depth++)
		hit_examine(fn, regs, caller, context);
	else
		this_cpu_inc(point->stats->missed);
	context->depth--;
out:
	preempt_enable_notrace();
}

/*
 * Handle a call of a point's function. What most calls need comes first, and needs no
 * memory that can be freed. Context: any.
 */
static __always_inline void errpath_entry_handle(struct intercept *ic, struct arch_regs *regs,
						 unsigned long parent)
{
	struct errpath_function *fn = container_of(ic, struct errpath_function, ic);
	struct errpath_point *point = fn->point;

	/* pairs with smp_store_release() in point_go_live(): the setup is visible */
	if (!smp_load_acquire(&point->live))
		return;
	this_cpu_inc(point->stats->seen);
	if (READ_ONCE(point->task_filter) && !task_set_may_have(&point->tasks, current))
		return;
	hit_call(fn, parent, point, regs);
}

INTERCEPT_ENTRY(errpath_entry);
