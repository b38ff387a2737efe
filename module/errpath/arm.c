// SPDX-License-Identifier: GPL-2.0
/*
 * Arming and disarming, and what else changes the state of a failure point.
 *
 * A point is armed while its rules allow a call to fail; only then are its functions
 * intercepted. Writes to the knobs, the guard and the unload of this module arm and
 * disarm, under the point's mutex; the handler never does.
 */
#include <linux/jiffies.h>
#include <linux/percpu.h>

#include "../common/compat.h"
#include "arm.h"
#include "hit.h"
#include "point.h"
#include "report.h"

/* An interception that is removed takes its count of missed calls along: keep it. */
static void keep_missed(struct errpath_point *point, struct errpath_function *fn)
{
	this_cpu_add(point->stats->missed, intercept_missed(&fn->ic));
}

static unsigned int list_interceptions(struct errpath_point *point,
				       struct intercept *ics[ERRPATH_MAX_FUNCTIONS])
{
	struct errpath_function *fn;
	unsigned int n = 0;

	for (fn = point->functions; fn->symbol; fn++)
		ics[n++] = &fn->ic;
	return n;
}

static void point_disarm(struct errpath_point *point)
{
	struct intercept *ics[ERRPATH_MAX_FUNCTIONS];
	struct errpath_function *fn;

	if (!point->armed)
		return;
	WRITE_ONCE(point->live, false);
	compat_timer_delete_sync(&point->expiry);
	for (fn = point->functions; fn->symbol; fn++)
		keep_missed(point, fn);
	intercept_remove_all(ics, list_interceptions(point, ics));
	point_close_scope(point);
	WRITE_ONCE(point->armed, false);
	WRITE_ONCE(point->expired, false);
	report_flush();
}

/*
 * One hook serves all functions of the kernel itself. Each function of a module gets a
 * separate hook, which is removed with the module.
 */
static int point_install(struct errpath_point *point)
{
	struct intercept *ics[ERRPATH_MAX_FUNCTIONS];
	struct errpath_function *fn;
	unsigned int n = 0;
	int err = 0;

	for (fn = point->functions; fn->symbol; fn++)
		if (!fn->unselected && function_is_present(fn) && !function_is_in_module(fn, NULL))
			ics[n++] = &fn->ic;
	if (n)
		err = intercept_install_all(ics, n);
	for (fn = point->functions; fn->symbol && !err; fn++)
		if (!fn->unselected && function_is_present(fn) && function_is_in_module(fn, NULL))
			err = intercept_install(&fn->ic);
	if (err)
		intercept_remove_all(ics, list_interceptions(point, ics));
	return err;
}

/* Only when every function is intercepted do all of them begin to count. */
static void point_go_live(struct errpath_point *point)
{
	WRITE_ONCE(point->armed, true);
	WRITE_ONCE(point->expired, false);
	/* pairs with smp_load_acquire() in errpath_entry_handle() */
	smp_store_release(&point->live, true);
	if (point_lacks_tasks(point))
		pr_warn_ratelimited("%s is armed but names no task: nothing fails until you write pids (or self) to %s/tasks, or N to %s/task-filter\n",
				    point->name, point->name, point->name);
}

static int point_arm(struct errpath_point *point)
{
	int err = point_find_functions(point);

	if (err)
		return err;
	if (!point_is_present(point) && !point_waits_for_module(point)) {
		pr_err("%s cannot be armed: this kernel has no %s(), or the compiler inlined it\n",
		       point->name, point->functions->symbol);
		return -ENODEV;
	}
	err = point_use_default_callers(point);
	if (err)
		return err;
	point_clear_stats(point);
	err = point_open_scope(point);
	if (err)
		return err;
	err = point_install(point);
	if (err)
		point_close_scope(point);
	else
		point_go_live(point);
	return err;
}

/**
 * point_update() - arm or disarm a point as its rules require
 * @point: the point, whose probability or nth was written; its mutex is held
 *
 * Context: may sleep.
 *
 * Return: 0 or, with the point disarmed and no call failed or counted, -ENODEV, -EBUSY
 * or another error of intercept_install_all(), after a line in the kernel log.
 */
int point_update(struct errpath_point *point)
{
	lockdep_assert_held(&point->mutex);
	if (fault_rules_armed(&point->rules) == point->armed)
		return 0;
	if (!point->armed)
		return point_arm(point);
	point_disarm(point);
	return 0;
}

/*
 * If every allocation fails without an end, of every task or of each named task, no
 * task may be left that can run a command to disarm the point.
 */
static bool may_lock_out(const struct errpath_point *point)
{
	return point->armed && point->seconds && point->functions->request.unit &&
	       !point->targets.nr && fault_rules_endless(&point->rules) &&
	       (!point->callers || callers_match_any(point->callers)) &&
	       (!point->task_filter || point->rules.by_nth || point->rules.probability == 100);
}

static void point_expire(struct timer_list *timer)
{
	struct errpath_point *point = container_of(timer, struct errpath_point, expiry);

	WRITE_ONCE(point->expired, true);
	WRITE_ONCE(point->live, false);
}

/**
 * point_limit() - start or stop the time limit of a point that fails every allocation
 * @point: the point, a knob of which was written; its mutex is held
 *
 * Context: may sleep.
 */
void point_limit(struct errpath_point *point)
{
	if (may_lock_out(point)) {
		if (!point->expired && !timer_pending(&point->expiry))
			mod_timer(&point->expiry, jiffies + point->seconds * HZ);
		return;
	}
	compat_timer_delete_sync(&point->expiry);
	if (!point->armed || !point->expired)
		return;
	WRITE_ONCE(point->expired, false);
	WRITE_ONCE(point->live, true);
}

/**
 * point_init() - initialise a point, disarmed, with every knob at its default
 * @point: a point as its file defines it
 *
 * Context: may sleep.
 *
 * Return: 0, -ENOMEM, or -E2BIG (more than ERRPATH_MAX_FUNCTIONS).
 */
int point_init(struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (fn - point->functions == ERRPATH_MAX_FUNCTIONS)
			return -E2BIG;
	point->stats = alloc_percpu(struct errpath_stats);
	if (!point->stats)
		return -ENOMEM;
	mutex_init(&point->mutex);
	timer_setup(&point->expiry, point_expire, 0);
	ratelimit_default_init(&point->ratelimit);
	ratelimit_set_flags(&point->ratelimit, RATELIMIT_MSG_ON_RELEASE);
	task_set_init(&point->tasks);
	for (fn = point->functions; fn->symbol; fn++) {
		fn->point = point;
		fn->by_arguments = fn->match || fn->device || fn->request.unit;
		fn->by_errno = point->default_errno && (!fn->request.unit || fn->returns < 0);
		fn->ic = (struct intercept) { .symbol = fn->symbol, .entry = &errpath_entry };
	}
	point_set_defaults(point);
	return 0;
}

/**
 * point_reset() - disarm a point, set its knobs to their defaults, clear its statistics
 * @point: the point; its mutex is held
 *
 * Context: may sleep.
 */
void point_reset(struct errpath_point *point)
{
	point_disarm(point);
	point_set_defaults(point);
	point_clear_stats(point);
}

/**
 * point_exit() - disarm a point and free its memory
 * @point: a point, its debugfs files removed; may not be initialised
 *
 * Context: may sleep.
 */
void point_exit(struct errpath_point *point)
{
	if (!point->stats)
		return;
	point_disarm(point);
	compat_timer_delete_sync(&point->expiry);
	point_set_defaults(point);
	free_percpu(point->stats);
}

static bool has_function_in(const struct errpath_point *point, const char *module)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (function_is_in_module(fn, module))
			return true;
	return false;
}

/* A function that stack: names can be in the module. */
static void extend_scope(struct errpath_point *point)
{
	if (!READ_ONCE(point->scoped))
		return;
	mutex_lock(&point->mutex);
	if (point->scoped && point->callers)
		callers_module_coming(point->callers);
	mutex_unlock(&point->mutex);
}

static void shrink_scope(struct errpath_point *point, const struct module *module)
{
	if (!READ_ONCE(point->scoped))
		return;
	mutex_lock(&point->mutex);
	if (point->callers && point->callers->scope)
		scope_drop_module(point->callers->scope, module);
	mutex_unlock(&point->mutex);
}

static void install_in_module(struct errpath_point *point, struct errpath_function *fn)
{
	if (!point->armed || fn->unselected || !function_is_present(fn))
		return;
	if (intercept_install(&fn->ic))
		pr_err("%s: %s() was loaded, but cannot be intercepted: its calls do not fail\n",
		       point->name, fn->symbol);
}

/**
 * point_module_coming() - intercept the functions of a module that is being loaded
 * @point: the point
 * @module: name of the module, whose init has not run yet
 *
 * Takes the mutex only of a point with functions in the module or with tasks to mark, so
 * that the module does not wait until other points are armed.
 *
 * Context: may sleep; takes the point's mutex.
 */
void point_module_coming(struct errpath_point *point, const char *module)
{
	struct errpath_function *fn;

	point_forget_callers(point);
	extend_scope(point);
	if (!has_function_in(point, module))
		return;
	mutex_lock(&point->mutex);
	for (fn = point->functions; fn->symbol; fn++)
		if (function_is_in_module(fn, module))
			function_set_presence(fn, FUNCTION_UNKNOWN);
	if (point_find_functions(point))
		pr_err("%s: no memory to look up its functions in module %s: they do not fail\n",
		       point->name, module);
	for (fn = point->functions; fn->symbol; fn++)
		if (function_is_in_module(fn, module))
			install_in_module(point, fn);
	mutex_unlock(&point->mutex);
}

/**
 * point_module_going() - release the functions of a module that is being unloaded
 * @point: the point
 * @module: the module
 *
 * An armed point stays armed and waits until the module is loaded again.
 *
 * Context: may sleep; takes the point's mutex.
 */
void point_module_going(struct errpath_point *point, const struct module *module)
{
	struct errpath_function *fn;

	shrink_scope(point, module);
	if (!has_function_in(point, module->name))
		return;
	mutex_lock(&point->mutex);
	for (fn = point->functions; fn->symbol; fn++) {
		if (!function_is_in_module(fn, module->name))
			continue;
		keep_missed(point, fn);
		intercept_remove(&fn->ic);
		intercept_forget(&fn->ic);
		function_set_presence(fn, FUNCTION_ABSENT);
	}
	mutex_unlock(&point->mutex);
}
