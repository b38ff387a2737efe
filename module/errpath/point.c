// SPDX-License-Identifier: GPL-2.0
/*
 * A failure point: its functions, its state, its statistics, and those of its
 * knobs that are more than a number. arm.c changes its state.
 */
#include <linux/err.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../common/symbol.h"
#include "point.h"

#define DEFAULT_SECONDS	10

static DEFINE_MUTEX(presence_mutex);	/* serialises changes of errpath_function.presence */

/**
 * function_is_in_module() - test whether a function belongs to a module
 * @fn: the function
 * @module: name of the module; NULL: any module
 */
bool function_is_in_module(const struct errpath_function *fn, const char *module)
{
	const char *colon = strchr(fn->symbol, ':');
	size_t len;

	if (!colon || !module)
		return colon;
	len = colon - fn->symbol;
	return strlen(module) == len && !strncmp(fn->symbol, module, len);
}

/**
 * function_is_present() - test whether this kernel has a function out of line
 * @fn: the function; point_find_functions() was called
 *
 * The answer for a function of a module changes when the module is loaded or unloaded.
 *
 * Context: any.
 */
bool function_is_present(const struct errpath_function *fn)
{
	return READ_ONCE(fn->presence) == FUNCTION_PRESENT;
}

/**
 * function_set_presence() - record whether this kernel has a function out of line
 * @fn: the function
 * @presence: FUNCTION_UNKNOWN: point_find_functions() looks it up again
 *
 * Context: may sleep.
 */
void function_set_presence(struct errpath_function *fn, enum function_presence presence)
{
	mutex_lock(&presence_mutex);
	WRITE_ONCE(fn->presence, presence);
	mutex_unlock(&presence_mutex);
}

static unsigned int list_unknown_functions(struct errpath_point *point,
					   struct errpath_function *fns[ERRPATH_MAX_FUNCTIONS],
					   const char *names[ERRPATH_MAX_FUNCTIONS])
{
	struct errpath_function *fn;
	unsigned int n = 0;

	for (fn = point->functions; fn->symbol && n < ERRPATH_MAX_FUNCTIONS; fn++) {
		if (READ_ONCE(fn->presence) != FUNCTION_UNKNOWN)
			continue;
		fns[n] = fn;
		names[n++] = fn->symbol;
	}
	return n;
}

/**
 * point_find_functions() - look up which functions of a point this kernel has
 * @point: the point
 *
 * The look-up is slow, so each function is looked up once.
 *
 * Context: may sleep; takes kprobe_mutex.
 *
 * Return: 0 or -ENOMEM.
 */
int point_find_functions(struct errpath_point *point)
{
	struct errpath_function *fns[ERRPATH_MAX_FUNCTIONS];
	const char *names[ERRPATH_MAX_FUNCTIONS];
	unsigned long addrs[ERRPATH_MAX_FUNCTIONS];
	unsigned int i, n;
	int err = 0;

	mutex_lock(&presence_mutex);
	n = list_unknown_functions(point, fns, names);
	if (n)
		err = symbol_addresses(names, addrs, n);
	for (i = 0; i < n && !err; i++)
		WRITE_ONCE(fns[i]->presence, addrs[i] ? FUNCTION_PRESENT : FUNCTION_ABSENT);
	mutex_unlock(&presence_mutex);
	return err;
}

/**
 * point_is_present() - test whether this kernel has a selected function of a point
 * @point: the point; point_find_functions() was called
 *
 * Context: any.
 */
bool point_is_present(const struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (!fn->unselected && function_is_present(fn))
			return true;
	return false;
}

/**
 * point_waits_for_module() - test whether a module can bring a function of a point
 * @point: the point
 *
 * Context: any.
 */
bool point_waits_for_module(const struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (function_is_in_module(fn, NULL))
			return true;
	return false;
}

/* Other code can switch off a kprobe of errpath: see intercept_is_live(). */
static bool lost_its_probe(const struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (READ_ONCE(fn->ic.how) == INTERCEPT_KPROBE && !intercept_is_live(&fn->ic))
			return READ_ONCE(point->live);
	return false;
}

/* Other code can switch off the kretprobes, too: then no task is marked. */
static bool lost_its_scope(struct errpath_point *point)
{
	bool lost;

	/* Not while the scope changes: the state is shown without waiting for that. */
	if (!READ_ONCE(point->scoped) || !mutex_trylock(&point->mutex))
		return false;
	lost = point->callers && point->callers->scope &&
	       !scope_is_live(point->callers->scope);
	mutex_unlock(&point->mutex);
	return lost;
}

/**
 * point_lacks_tasks() - test whether the task filter lets no task fail
 * @point: the point
 *
 * Context: any.
 */
bool point_lacks_tasks(struct errpath_point *point)
{
	return READ_ONCE(point->task_filter) && task_set_is_empty(&point->tasks);
}

/**
 * point_state() - name the state of a point, for the file status
 * @point: the point; point_find_functions() was called
 *
 * Context: may sleep; does not wait for arming or disarming.
 *
 * Return: absent (this kernel lacks its functions), waiting (for a module), pending (armed,
 * and waiting for a module), off,
 * armed, spent (armed, and all requested failures are done), nobody (armed, but no task
 * is named), dead (armed, but other code switched off a function's probe), or
 * expired (armed, but stopped after the time in the knob seconds).
 */
const char *point_state(struct errpath_point *point)
{
	if (!point_is_present(point) && !point_waits_for_module(point))
		return "absent";
	if (!point_is_present(point))
		return READ_ONCE(point->armed) ? "pending" : "waiting";
	if (!READ_ONCE(point->armed))
		return "off";
	if (READ_ONCE(point->expired))
		return "expired";
	if (lost_its_probe(point) || lost_its_scope(point))
		return "dead";
	if (fault_rules_spent(&point->rules))
		return "spent";
	return point_lacks_tasks(point) ? "nobody" : "armed";
}

/**
 * point_stats() - sum up the statistics of a point
 * @point: the point
 *
 * The sum is exact when no call of the point's functions is running.
 *
 * Context: any.
 */
struct errpath_stats point_stats(const struct errpath_point *point)
{
	struct errpath_stats sum = {};
	struct errpath_function *fn;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct errpath_stats *stats = per_cpu_ptr(point->stats, cpu);

		sum.seen += READ_ONCE(stats->seen);
		sum.missed += READ_ONCE(stats->missed);
		sum.matched += READ_ONCE(stats->matched);
		sum.injected += READ_ONCE(stats->injected);
		sum.walked += READ_ONCE(stats->walked);
	}
	for (fn = point->functions; fn->symbol; fn++)
		sum.missed += intercept_missed(&fn->ic);
	return sum;
}

/**
 * point_clear_stats() - set all statistics of a point to zero
 * @point: the point, disarmed; its mutex is held
 */
void point_clear_stats(struct errpath_point *point)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(point->stats, cpu), 0, sizeof(*point->stats));
	memset(&point->sites, 0, sizeof(point->sites));
	stacks_clear(&point->stacks);
	point->last = (struct errpath_last) {};
}

/* A handler that uses the memory to be freed has preemption disabled. */
static void wait_for_handlers(void)
{
	synchronize_rcu_expedited();
}

static void publish_callers(struct errpath_point *point, struct callers *callers)
{
	struct callers *old = point->callers;

	/* pairs with smp_load_acquire() in hit.c: the handler sees all of @callers */
	smp_store_release(&point->callers, callers);
	if (!old)
		return;
	wait_for_handlers();
	callers_free(old);
}

/* The functions of a point with @outermost: calls below them do not fail. */
static void list_nested_names(const struct errpath_point *point,
			      const char *names[ERRPATH_MAX_FUNCTIONS + 1])
{
	const struct errpath_function *fn;
	int n = 0;

	for (fn = point->functions; point->outermost && fn->symbol; fn++)
		names[n++] = fn->symbol;
	names[n] = NULL;
}

static int replace_callers(struct errpath_point *point, const char *caller, const char *skip)
{
	const char *nested[ERRPATH_MAX_FUNCTIONS + 1];
	const struct callers_lists lists = {
		.caller = caller,
		.skip = skip,
		.wrappers = point->wrappers,
		.nested = nested,
	};
	struct callers *callers;
	int err;

	list_nested_names(point, nested);
	callers = callers_create(&lists);
	if (IS_ERR(callers))
		return PTR_ERR(callers);
	err = point->scoped ? callers_open_scope(callers) : 0;
	if (err)
		callers_free(callers);
	else
		publish_callers(point, callers);
	return err;
}

/**
 * point_callers() - return the text of the knob caller
 * @point: the point; its mutex is held
 */
const char *point_callers(const struct errpath_point *point)
{
	if (point->callers)
		return point->callers->caller_text;
	return point->default_caller ?: "";
}

/**
 * point_skip() - return the text of the knob skip
 * @point: the point; its mutex is held
 */
const char *point_skip(const struct errpath_point *point)
{
	return point->callers ? point->callers->skip_text : "";
}

/* Without any of its default callers a point would fail calls from everywhere. */
static int check_default_callers(const struct errpath_point *point)
{
	int any;

	if (point->caller_written || !point->default_caller)
		return 0;
	any = callers_any_exists(point->default_caller);
	if (any)
		return any < 0 ? any : 0;
	pr_err("%s: this kernel has none of the default callers out of line (%s): write other functions to %s/caller\n",
	       point->name, point->default_caller, point->name);
	return -ENODEV;
}

/**
 * point_use_default_callers() - parse the default callers, unless others were written
 * @point: the point, about to be armed; its mutex is held
 *
 * Context: may sleep.
 *
 * Return: 0, -ENOMEM, or -ENODEV after a line in the kernel log: this kernel has none
 * of the default callers.
 */
int point_use_default_callers(struct errpath_point *point)
{
	int err = check_default_callers(point);

	if (err || point->callers)
		return err;
	return replace_callers(point, point_callers(point), point_skip(point));
}

/**
 * point_set_callers() - set the knob caller
 * @point: the point; its mutex is held
 * @text: names of functions, see struct callers_lists
 *
 * Context: may sleep.
 *
 * Return: 0, or with nothing changed an error of callers_check() or callers_create().
 */
int point_set_callers(struct errpath_point *point, const char *text)
{
	int err = callers_check(text, true);

	if (!err)
		err = replace_callers(point, text, point_skip(point));
	if (!err)
		point->caller_written = true;
	return err;
}

/**
 * point_set_skip() - set the knob skip
 * @point: the point; its mutex is held
 * @text: names of functions; calls below them do not fail
 *
 * Context: may sleep.
 *
 * Return: as point_set_callers().
 */
int point_set_skip(struct errpath_point *point, const char *text)
{
	int err = callers_check(text, false);

	return err ?: replace_callers(point, point_callers(point), text);
}

/**
 * point_open_scope() - begin to mark the tasks below functions that stack: names
 * @point: the point, about to be armed; its mutex is held
 *
 * Also for names that are written later, until point_close_scope().
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int point_open_scope(struct errpath_point *point)
{
	int err;

	/* First: a module that is being loaded now is scanned here or in point_module_coming(). */
	WRITE_ONCE(point->scoped, true);
	err = callers_open_scope(point->callers);
	if (err)
		WRITE_ONCE(point->scoped, false);
	return err;
}

/**
 * point_close_scope() - stop marking tasks
 * @point: the point, its functions not intercepted; its mutex is held
 *
 * Context: may sleep.
 */
void point_close_scope(struct errpath_point *point)
{
	WRITE_ONCE(point->scoped, false);
	callers_close_scope(point->callers);
}

/**
 * point_forget_callers() - look up the functions of all callers again
 * @point: the point
 *
 * A module that is loaded can get addresses that belonged to another module.
 *
 * Context: any.
 */
void point_forget_callers(struct errpath_point *point)
{
	struct callers *callers;

	rcu_read_lock();
	/* pairs with smp_store_release() in publish_callers() */
	callers = smp_load_acquire(&point->callers);
	if (callers)
		callers_forget(callers);
	rcu_read_unlock();
}

/**
 * point_record_stacks() - set the knob stacks
 * @point: the point; its mutex is held
 * @on: true: drop the stacks recorded so far and record from now on; false: stop
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int point_record_stacks(struct errpath_point *point, bool on)
{
	struct stack_table *unused;

	if (on && point->stacks.table) {
		stacks_clear(&point->stacks);
		return 0;
	}
	if (on)
		return stacks_enable(&point->stacks);
	unused = stacks_disable(&point->stacks);
	if (unused)
		wait_for_handlers();
	vfree(unused);
	return 0;
}

static bool word_selects(const char *word, const struct errpath_function *fn)
{
	return !strcmp(fn->symbol, word) || (fn->kind && !strcmp(fn->kind, word));
}

/* Append the functions that @word selects. Return the new length, or -EINVAL. */
static int add_selected(struct errpath_point *point, const char *word,
			struct errpath_function *selected[ERRPATH_MAX_FUNCTIONS], int n)
{
	struct errpath_function *fn;
	int before = n;

	for (fn = point->functions; fn->symbol; fn++) {
		if (!word_selects(word, fn))
			continue;
		if (n == ERRPATH_MAX_FUNCTIONS)
			return -EINVAL;
		selected[n++] = fn;
	}
	return n > before ? n : -EINVAL;
}

/**
 * point_select_functions() - set the knob function
 * @point: the point; its mutex is held
 * @text: functions to intercept, by name or by kind, separated by blanks or commas;
 *	empty: all of the point. It is consumed.
 *
 * Return: 0, or with nothing changed -EINVAL (not a function of the point) or
 * -EBUSY (the point is armed).
 */
int point_select_functions(struct errpath_point *point, char *text)
{
	struct errpath_function *fn, *selected[ERRPATH_MAX_FUNCTIONS];
	int n = 0;
	char *word;

	if (point->armed)
		return -EBUSY;
	while ((word = strsep(&text, " ,\t\n"))) {
		if (!*word)
			continue;
		n = add_selected(point, word, selected, n);
		if (n < 0)
			return n;
	}
	for (fn = point->functions; fn->symbol; fn++)
		fn->unselected = n;
	while (n--)
		selected[n]->unselected = false;
	return 0;
}

/**
 * point_set_instead() - choose what happens to a call instead of failing
 * @point: the point, whose min or delay_us was written; its mutex is held
 */
void point_set_instead(struct errpath_point *point)
{
	enum point_instead instead = INSTEAD_NOTHING;

	if (point->delay_us)
		instead = INSTEAD_DELAY;
	else if (point->min)
		instead = INSTEAD_RAISE_MIN;
	WRITE_ONCE(point->instead, instead);
}

/**
 * point_set_defaults() - set every knob to its default
 * @point: the point, disarmed; its mutex is held
 *
 * Afterwards the point owns no memory but its statistics.
 *
 * Context: may sleep.
 */
void point_set_defaults(struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		fn->unselected = false;
	fault_rules_init(&point->rules);
	stack_filter_init(&point->stack);
	request_filter_init(&point->request);
	cache_forget(&point->cache);
	point->targets.nr = 0;
	point_record_stacks(point, false);
	task_set_clear(&point->tasks);
	publish_callers(point, NULL);
	point->caller_written = false;
	point->ratelimit.interval = 0;
	point->ratelimit.burst = 0;
	point->verbose = 1;
	point->seconds = DEFAULT_SECONDS;
	point->task_filter = true;
	point->errno = point->default_errno;
	point->device[0] = '\0';
	point->min = 0;
	point->delay_us = 0;
	point_set_instead(point);
}
