// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a failure point: found, armed, hit, spent, disarmed.
 *
 * Armed means that a call could fail; only then are its functions intercepted.
 * What arms and disarms are knob writes, the guard and module unload, all under the
 * point's mutex; the handler never does.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../common/compat.h"
#include "../common/symbol.h"
#include "hit.h"
#include "point.h"
#include "report.h"

#define DEFAULT_SECONDS	10

static DEFINE_MUTEX(presence_mutex);	/* changes of errpath_function.presence */

/* The MODULE of MODULE:NAME, or, with NULL, any module? */
static bool is_in_module(const struct errpath_function *fn, const char *module)
{
	const char *colon = strchr(fn->symbol, ':');
	size_t len;

	if (!colon || !module)
		return colon;
	len = colon - fn->symbol;
	return strlen(module) == len && !strncmp(fn->symbol, module, len);
}

/**
 * function_is_present() - does this kernel, for now, have it out of line
 * @fn: the function; point_find_functions() was called
 *
 * Context: any.
 */
bool function_is_present(const struct errpath_function *fn)
{
	return READ_ONCE(fn->presence) == PRESENT;
}

static unsigned int unknown_functions(struct errpath_point *point,
				      struct errpath_function *fns[ERRPATH_MAX_FUNCTIONS],
				      const char *names[ERRPATH_MAX_FUNCTIONS])
{
	struct errpath_function *fn;
	unsigned int n = 0;

	for (fn = point->functions; fn->symbol && n < ERRPATH_MAX_FUNCTIONS; fn++) {
		if (READ_ONCE(fn->presence) != PRESENCE_UNKNOWN)
			continue;
		fns[n] = fn;
		names[n++] = fn->symbol;
	}
	return n;
}

/**
 * point_find_functions() - find out which of its functions this kernel has
 * @point: the point
 *
 * Those that are known are not looked up again, for that is slow.
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
	n = unknown_functions(point, fns, names);
	if (n)
		err = symbol_addresses(names, addrs, n);
	for (i = 0; i < n && !err; i++)
		WRITE_ONCE(fns[i]->presence, addrs[i] ? PRESENT : ABSENT);
	mutex_unlock(&presence_mutex);
	return err;
}

static bool is_present(const struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (!fn->unselected && function_is_present(fn))
			return true;
	return false;
}

static bool waits_for_module(const struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (is_in_module(fn, NULL))
			return true;
	return false;
}

/* Somebody else took an interception out. */
static bool is_dead(const struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (READ_ONCE(fn->ic.how) == INTERCEPT_KPROBE && !intercept_is_live(&fn->ic))
			return READ_ONCE(point->live);
	return false;
}

static bool matches_no_task(struct errpath_point *point)
{
	return READ_ONCE(point->task_filter) && task_set_is_empty(&point->tasks);
}

/**
 * point_state() - in a word
 * @point: the point; point_find_functions() was called
 *
 * Context: may sleep; does not wait for arming or disarming.
 *
 * Return: absent (this kernel lacks its functions), waiting (for a module), off,
 * armed, spent (armed, and all failures asked for are done), nobody (armed, but no task
 * is named), dead (armed, but a function's probe was switched off by somebody else), or
 * expired (armed, but stopped after its knob seconds).
 */
const char *point_state(struct errpath_point *point)
{
	if (!is_present(point))
		return waits_for_module(point) ? "waiting" : "absent";
	if (!READ_ONCE(point->armed))
		return "off";
	if (READ_ONCE(point->expired))
		return "expired";
	if (is_dead(point))
		return "dead";
	if (fault_rules_spent(&point->rules))
		return "spent";
	return matches_no_task(point) ? "nobody" : "armed";
}

/**
 * point_stats() - the statistics, exact once no call is under way
 * @point: the point
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
	}
	for (fn = point->functions; fn->symbol; fn++)
		sum.missed += intercept_missed(&fn->ic);
	return sum;
}

static void clear_stats(struct errpath_point *point)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(point->stats, cpu), 0, sizeof(*point->stats));
	memset(&point->sites, 0, sizeof(point->sites));
	stacks_clear(&point->stacks);
	point->last = (struct errpath_last) {};
}

/* What the handler found itself outlives the interception. */
static void keep_missed(struct errpath_point *point, struct errpath_function *fn)
{
	this_cpu_add(point->stats->missed, intercept_missed(&fn->ic));
}

static unsigned int all_interceptions(struct errpath_point *point,
				      struct intercept *ics[ERRPATH_MAX_FUNCTIONS])
{
	struct errpath_function *fn;
	unsigned int n = 0;

	for (fn = point->functions; fn->symbol; fn++)
		ics[n++] = &fn->ic;
	return n;
}

static void disarm(struct errpath_point *point)
{
	struct intercept *ics[ERRPATH_MAX_FUNCTIONS];
	struct errpath_function *fn;

	if (!point->armed)
		return;
	WRITE_ONCE(point->live, false);
	compat_timer_delete_sync(&point->expiry);
	for (fn = point->functions; fn->symbol; fn++)
		keep_missed(point, fn);
	intercept_remove_all(ics, all_interceptions(point, ics));
	WRITE_ONCE(point->armed, false);
	WRITE_ONCE(point->expired, false);
	report_flush();
}

/* A handler that uses what is about to be freed runs with preemption off. */
static void wait_for_handlers(void)
{
	synchronize_rcu_expedited();
}

static void publish_callers(struct errpath_point *point, struct callers *callers)
{
	struct callers *old = point->callers;

	/* pairs with smp_load_acquire() in hit.c: the handler sees it whole */
	smp_store_release(&point->callers, callers);
	if (!old)
		return;
	wait_for_handlers();
	callers_free(old);
}

/* What the point's functions call on their own behalf, they call from below each other. */
static void nested_names(const struct errpath_point *point,
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

	nested_names(point, nested);
	callers = callers_create(&lists);
	if (IS_ERR(callers))
		return PTR_ERR(callers);
	publish_callers(point, callers);
	return 0;
}

/**
 * point_callers() - the knob caller, as text
 * @point: the point; its mutex is held
 */
const char *point_callers(const struct errpath_point *point)
{
	return point->callers ? point->callers->caller_text : point->default_caller ?: "";
}

/**
 * point_skip() - the knob skip, as text
 * @point: the point; its mutex is held
 */
const char *point_skip(const struct errpath_point *point)
{
	return point->callers ? point->callers->skip_text : "";
}

/* A point must not fail other callers than its own because this kernel lacks all of these. */
static int check_default_callers(const struct errpath_point *point)
{
	int any;

	if (point->caller_written || !point->default_caller)
		return 0;
	any = callers_any_exists(point->default_caller);
	if (any)
		return any < 0 ? any : 0;
	pr_err("%s: this kernel has none of its callers out of line: %s; write others to %s/caller\n",
	       point->name, point->default_caller, point->name);
	return -ENODEV;
}

/*
 * One hook serves all functions of the kernel itself. Each function of a module gets a
 * separate hook, which is removed with the module.
 */
static int install(struct errpath_point *point)
{
	struct intercept *ics[ERRPATH_MAX_FUNCTIONS];
	struct errpath_function *fn;
	unsigned int n = 0;
	int err = 0;

	for (fn = point->functions; fn->symbol; fn++)
		if (!fn->unselected && function_is_present(fn) && !is_in_module(fn, NULL))
			ics[n++] = &fn->ic;
	if (n)
		err = intercept_install_all(ics, n);
	for (fn = point->functions; fn->symbol && !err; fn++)
		if (!fn->unselected && function_is_present(fn) && is_in_module(fn, NULL))
			err = intercept_install(&fn->ic);
	if (err)
		intercept_remove_all(ics, all_interceptions(point, ics));
	return err;
}

/* All its functions begin to count at the same moment, the last act. */
static void go_live(struct errpath_point *point)
{
	WRITE_ONCE(point->armed, true);
	WRITE_ONCE(point->expired, false);
	/* pairs with smp_load_acquire() in errpath_hit() */
	smp_store_release(&point->live, true);
	if (matches_no_task(point))
		pr_warn_ratelimited("%s is armed, but names no task: nothing fails until pids (or self) are written to %s/tasks, or N to %s/task-filter\n",
				    point->name, point->name, point->name);
}

static int arm(struct errpath_point *point)
{
	int err = point_find_functions(point);

	if (err)
		return err;
	if (!is_present(point) && !waits_for_module(point)) {
		pr_err("%s: this kernel has no %s() out of line\n", point->name,
		       point->functions->symbol);
		return -ENODEV;
	}
	err = check_default_callers(point);
	if (!err && !point->callers)
		err = replace_callers(point, point_callers(point), point_skip(point));
	if (err)
		return err;
	clear_stats(point);
	err = install(point);
	if (!err)
		go_live(point);
	return err;
}

/**
 * point_update() - arm or disarm as the rules now say
 * @point: whose probability or nth was written; its mutex is held
 *
 * Context: may sleep.
 *
 * Return: 0 or, with the point disarmed and nothing failed or counted, -ENODEV, -EBUSY
 * or another error of intercept_install_all(), after a line in the kernel log.
 */
int point_update(struct errpath_point *point)
{
	lockdep_assert_held(&point->mutex);
	if (fault_rules_armed(&point->rules) == point->armed)
		return 0;
	if (!point->armed)
		return arm(point);
	disarm(point);
	return 0;
}

/*
 * All allocations of all tasks, or of a task, without an end: then nobody may be left
 * who can run a command to disarm.
 */
static bool may_lock_out(const struct errpath_point *point)
{
	return point->armed && point->seconds && point->functions->asks.unit &&
	       !point->rules.by_nth && !point->targets.nr &&
	       atomic_read(&point->rules.times) == TIMES_NO_LIMIT &&
	       (!point->callers || callers_match_any(point->callers)) &&
	       (!point->task_filter || point->rules.probability == 100);
}

static void expire(struct timer_list *timer)
{
	struct errpath_point *point = container_of(timer, struct errpath_point, expiry);

	WRITE_ONCE(point->expired, true);
	WRITE_ONCE(point->live, false);
}

/**
 * point_limit() - limit the time in which a point fails everything
 * @point: a knob of it was set; its mutex is held
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
 * point_set_callers() - the knob caller
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
 * point_set_skip() - the knob skip
 * @point: the point; its mutex is held
 * @text: names of functions below which nothing is failed
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
 * point_want_stacks() - the knob stacks
 * @point: the point; its mutex is held
 * @wanted: remember stacks from now on, those before forgotten; or no more
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int point_want_stacks(struct errpath_point *point, bool wanted)
{
	struct stack_entry *unused;

	if (wanted && point->stacks.entry) {
		stacks_clear(&point->stacks);
		return 0;
	}
	if (wanted)
		return stacks_enable(&point->stacks);
	unused = stacks_disable(&point->stacks);
	if (unused)
		wait_for_handlers();
	vfree(unused);
	return 0;
}

static bool is_named(const struct errpath_function *fn, const char *word)
{
	return !strcmp(fn->symbol, word) || (fn->kind && !strcmp(fn->kind, word));
}

/* Adds those that the word names; returns how many are chosen then, or -EINVAL. */
static int choose(struct errpath_point *point, const char *word,
		  struct errpath_function *chosen[ERRPATH_MAX_FUNCTIONS], int n)
{
	struct errpath_function *fn;
	int before = n;

	for (fn = point->functions; fn->symbol; fn++) {
		if (!is_named(fn, word))
			continue;
		if (n == ERRPATH_MAX_FUNCTIONS)
			return -EINVAL;
		chosen[n++] = fn;
	}
	return n > before ? n : -EINVAL;
}

/**
 * point_select_functions() - the knob function
 * @point: the point; its mutex is held
 * @text: which of its functions to intercept, by name or by kind, separated by
 *	blanks or commas; empty: all. It is consumed.
 *
 * Return: 0, or with nothing changed -EINVAL (not a function of the point) or
 * -EBUSY (the point is armed).
 */
int point_select_functions(struct errpath_point *point, char *text)
{
	struct errpath_function *fn, *chosen[ERRPATH_MAX_FUNCTIONS];
	int n = 0;
	char *word;

	if (point->armed)
		return -EBUSY;
	while ((word = strsep(&text, " ,\t\n"))) {
		if (!*word)
			continue;
		n = choose(point, word, chosen, n);
		if (n < 0)
			return n;
	}
	for (fn = point->functions; fn->symbol; fn++)
		fn->unselected = n;
	while (n--)
		chosen[n]->unselected = false;
	return 0;
}

static void set_defaults(struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		fn->unselected = false;
	fault_rules_init(&point->rules);
	stack_filter_init(&point->stack);
	request_filter_init(&point->request);
	point->targets.nr = 0;
	point_want_stacks(point, false);
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
}

/**
 * point_reset() - disarm, and every knob back to its default
 * @point: the point; its mutex is held
 *
 * Context: may sleep.
 */
void point_reset(struct errpath_point *point)
{
	disarm(point);
	set_defaults(point);
	clear_stats(point);
}

/**
 * point_init() - set the knobs to their defaults
 * @point: as its file declares it
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
	timer_setup(&point->expiry, expire, 0);
	ratelimit_default_init(&point->ratelimit);
	ratelimit_set_flags(&point->ratelimit, RATELIMIT_MSG_ON_RELEASE);
	task_set_init(&point->tasks);
	for (fn = point->functions; fn->symbol; fn++) {
		fn->point = point;
		fn->ic = (struct intercept) { .symbol = fn->symbol, .handler = errpath_hit };
	}
	set_defaults(point);
	return 0;
}

/**
 * point_exit() - disarm and free
 * @point: one that point_init() took; its debugfs files are gone
 *
 * Context: may sleep.
 */
void point_exit(struct errpath_point *point)
{
	if (!point->stats)
		return;
	disarm(point);
	compat_timer_delete_sync(&point->expiry);
	task_set_clear(&point->tasks);
	vfree(stacks_disable(&point->stacks));
	publish_callers(point, NULL);
	free_percpu(point->stats);
}

static bool has_function_in(const struct errpath_point *point, const char *module)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (is_in_module(fn, module))
			return true;
	return false;
}

static void function_came(struct errpath_point *point, struct errpath_function *fn)
{
	if (!point->armed || fn->unselected || !function_is_present(fn))
		return;
	if (intercept_install(&fn->ic))
		pr_err("%s: %s() came with its module and could not be intercepted\n",
		       point->name, fn->symbol);
}

static void set_presence(struct errpath_function *fn, enum function_presence presence)
{
	mutex_lock(&presence_mutex);
	WRITE_ONCE(fn->presence, presence);
	mutex_unlock(&presence_mutex);
}

/* Addresses that were another module's can be this one's. */
static void forget_callers(struct errpath_point *point)
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
 * point_module_coming() - a module is there, its init has not run yet
 * @point: the point
 * @module: its name
 *
 * Waits for the arming of a point that has functions in the module, and for no other.
 *
 * Context: may sleep; takes the point's mutex.
 */
void point_module_coming(struct errpath_point *point, const char *module)
{
	struct errpath_function *fn;

	forget_callers(point);
	if (!has_function_in(point, module))
		return;
	mutex_lock(&point->mutex);
	for (fn = point->functions; fn->symbol; fn++)
		if (is_in_module(fn, module))
			set_presence(fn, PRESENCE_UNKNOWN);
	if (point_find_functions(point))
		pr_err("%s: no memory to look for its functions in %s\n", point->name, module);
	for (fn = point->functions; fn->symbol; fn++)
		if (is_in_module(fn, module))
			function_came(point, fn);
	mutex_unlock(&point->mutex);
}

/**
 * point_module_going() - a module is about to be freed
 * @point: the point
 * @module: its name
 *
 * The point stays armed and waits for the module to come back.
 *
 * Context: may sleep; takes the point's mutex.
 */
void point_module_going(struct errpath_point *point, const char *module)
{
	struct errpath_function *fn;

	if (!has_function_in(point, module))
		return;
	mutex_lock(&point->mutex);
	for (fn = point->functions; fn->symbol; fn++) {
		if (!is_in_module(fn, module))
			continue;
		keep_missed(point, fn);
		intercept_remove(&fn->ic);
		intercept_forget(&fn->ic);
		set_presence(fn, ABSENT);
	}
	mutex_unlock(&point->mutex);
}
