// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a failure point: found, armed, hit, spent, disarmed.
 *
 * Armed means that a call could fail; only then are its functions intercepted.
 * What arms and disarms are knob writes, the guard and module unload, all under
 * errpath_mutex; the handler never does.
 */
#include <linux/err.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hit.h"
#include "point.h"

DEFINE_MUTEX(errpath_mutex);	/* whatever arms, disarms or sets a knob */

/* The MODULE of MODULE:NAME, or the module that is asked about? */
static bool is_in_module(const struct errpath_function *fn, const char *module)
{
	const char *colon = strchr(fn->symbol, ':');
	size_t len = colon - fn->symbol;

	return colon && (!module || (strlen(module) == len && !strncmp(fn->symbol, module, len)));
}

/**
 * function_is_present() - does this kernel, for now, have it out of line
 * @fn: the function; errpath_mutex is held
 *
 * Asked when somebody wants to know, as looking a name up is slow. May sleep.
 */
bool function_is_present(struct errpath_function *fn)
{
	struct text_range ranges[SYMBOL_MAX_PARTS];

	if (fn->presence == PRESENCE_UNKNOWN)
		fn->presence = symbol_ranges(fn->symbol, ranges) > 0 ? PRESENT : ABSENT;
	return fn->presence == PRESENT;
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

/**
 * point_state() - in a word
 * @point: the point; errpath_mutex is held
 *
 * May sleep.
 *
 * Return: absent (this kernel lacks its functions), waiting (for a module), off,
 * armed, or spent (armed, and all failures asked for are done).
 */
const char *point_state(struct errpath_point *point)
{
	if (!is_present(point))
		return waits_for_module(point) ? "waiting" : "absent";
	if (!point->armed)
		return "off";
	return fault_rules_spent(&point->rules) ? "spent" : "armed";
}

/**
 * point_stats() - the statistics, exact once no call is under way
 * @point: the point
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
	point->last = (struct errpath_last) {};
}

/* What the handler found itself outlives the interception. */
static void keep_missed(struct errpath_point *point, struct errpath_function *fn)
{
	this_cpu_add(point->stats->missed, intercept_missed(&fn->ic));
}

static void remove_function(struct errpath_point *point, struct errpath_function *fn)
{
	keep_missed(point, fn);
	intercept_remove(&fn->ic);
}

static void disarm(struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		remove_function(point, fn);
	point->armed = false;
}

/* A handler may be preempted while it uses what is to go. */
static void wait_for_handlers(const struct errpath_point *point)
{
	if (!point->armed)
		return;
	synchronize_rcu();
	synchronize_rcu_tasks();
}

static int replace_callers(struct errpath_point *point, const char *text, bool optional)
{
	struct callers *old = point->callers;
	struct callers *callers = callers_parse(text, point->helpers, optional);

	if (IS_ERR(callers))
		return PTR_ERR(callers);
	/* pairs with smp_load_acquire() in hit.c: the handler sees it whole */
	smp_store_release(&point->callers, callers);
	wait_for_handlers(point);
	kfree(old);
	return 0;
}

static const char *default_callers(const struct errpath_point *point)
{
	return point->default_caller ?: "";
}

static int use_default_callers(struct errpath_point *point)
{
	return point->callers ? 0 : replace_callers(point, default_callers(point), true);
}

/**
 * point_callers() - the knob caller, as text
 * @point: the point; errpath_mutex is held
 */
const char *point_callers(const struct errpath_point *point)
{
	return point->callers ? point->callers->text : default_callers(point);
}

static int install(struct errpath_point *point)
{
	struct errpath_function *fn;
	int err;

	for (fn = point->functions; fn->symbol; fn++) {
		if (fn->unselected || !function_is_present(fn))
			continue;
		err = intercept_install(&fn->ic);
		if (err)
			return err;
	}
	return 0;
}

static int arm(struct errpath_point *point)
{
	int err;

	if (!is_present(point) && !waits_for_module(point)) {
		pr_err("%s: this kernel has no %s() out of line\n", point->name,
		       point->functions->symbol);
		return -ENODEV;
	}
	err = use_default_callers(point);
	if (err)
		return err;
	clear_stats(point);
	point->armed = true;
	err = install(point);
	if (err)
		disarm(point);
	return err;
}

/**
 * point_update() - arm or disarm as the rules now say
 * @point: whose probability or nth was written; errpath_mutex is held
 *
 * May sleep.
 *
 * Return: 0 or, with the point disarmed, -ENODEV, -EBUSY or another error of
 * intercept_install(), after a line in the kernel log.
 */
int point_update(struct errpath_point *point)
{
	lockdep_assert_held(&errpath_mutex);
	if (fault_rules_armed(&point->rules) == point->armed)
		return 0;
	if (!point->armed)
		return arm(point);
	disarm(point);
	return 0;
}

/**
 * point_set_callers() - the knob caller
 * @point: the point; errpath_mutex is held
 * @text: see callers_parse()
 *
 * May sleep.
 *
 * Return: 0, or with nothing changed an error of callers_parse().
 */
int point_set_callers(struct errpath_point *point, const char *text)
{
	return replace_callers(point, text, false);
}

static struct errpath_function *find_function(struct errpath_point *point, const char *symbol)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (!strcmp(fn->symbol, symbol))
			return fn;
	return NULL;
}

/**
 * point_select_functions() - the knob function
 * @point: the point; errpath_mutex is held
 * @text: which of its functions to intercept, separated by blanks or commas;
 *	empty: all. It is consumed.
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
		fn = find_function(point, word);
		if (!fn || n == ERRPATH_MAX_FUNCTIONS)
			return -EINVAL;
		chosen[n++] = fn;
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
	task_set_clear(&point->tasks);
	kfree(point->callers);
	point->callers = NULL;
	point->ratelimit.interval = 0;
	point->ratelimit.burst = 0;
	point->verbose = 1;
	point->task_filter = true;
	point->errno = point->default_errno;
	point->device[0] = '\0';
	point->min = 0;
}

/**
 * point_reset() - disarm, and every knob back to its default
 * @point: the point; errpath_mutex is held
 *
 * May sleep.
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
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int point_init(struct errpath_point *point)
{
	struct errpath_function *fn;

	point->stats = alloc_percpu(struct errpath_stats);
	if (!point->stats)
		return -ENOMEM;
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
 * May sleep.
 */
void point_exit(struct errpath_point *point)
{
	if (!point->stats)
		return;
	disarm(point);
	task_set_free(&point->tasks);
	kfree(point->callers);
	free_percpu(point->stats);
}

/**
 * point_module_coming() - a module is there, its init has not run yet
 * @point: the point; errpath_mutex is held
 * @module: its name
 *
 * May sleep.
 */
void point_module_coming(struct errpath_point *point, const char *module)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++) {
		if (!is_in_module(fn, module))
			continue;
		fn->presence = PRESENCE_UNKNOWN;
		if (point->armed && !fn->unselected && function_is_present(fn) &&
		    intercept_install(&fn->ic))
			pr_err("%s: %s came and could not be intercepted\n", point->name, module);
	}
}

/**
 * point_module_going() - a module is about to be freed
 * @point: the point; errpath_mutex is held
 * @module: its name
 *
 * The point stays armed and waits for the module to come back. May sleep.
 */
void point_module_going(struct errpath_point *point, const char *module)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++) {
		if (!is_in_module(fn, module))
			continue;
		remove_function(point, fn);
		fn->presence = ABSENT;
	}
}
