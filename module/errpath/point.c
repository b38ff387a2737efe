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
#include <linux/vmalloc.h>

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
	unsigned long addr;

	if (fn->presence == PRESENCE_UNKNOWN)
		fn->presence = symbol_address(fn->symbol, &addr) ? ABSENT : PRESENT;
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
	stacks_clear(&point->stacks);
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

/* What the point's functions call on their own behalf, they call from below each other. */
static int nested_names(struct errpath_point *point, const char *names[ERRPATH_MAX_FUNCTIONS + 1])
{
	struct errpath_function *fn;
	int n = 0;

	for (fn = point->functions; point->outermost && fn->symbol; fn++) {
		if (!function_is_present(fn))
			continue;
		if (n == ERRPATH_MAX_FUNCTIONS)
			return -E2BIG;
		names[n++] = fn->symbol;
	}
	names[n] = NULL;
	return 0;
}

static int replace_callers(struct errpath_point *point, struct callers_names *names)
{
	const char *nested[ERRPATH_MAX_FUNCTIONS + 1];
	struct callers *old = point->callers, *callers;
	int err = nested_names(point, nested);

	if (err)
		return err;
	names->helpers = point->helpers;
	names->nested = nested;
	callers = callers_parse(names);
	if (IS_ERR(callers))
		return PTR_ERR(callers);
	/* pairs with smp_load_acquire() in hit.c: the handler sees it whole */
	smp_store_release(&point->callers, callers);
	wait_for_handlers(point);
	kfree(old);
	return 0;
}

/**
 * point_callers() - the knob caller, as text
 * @point: the point; errpath_mutex is held
 */
const char *point_callers(const struct errpath_point *point)
{
	return point->callers ? point->callers->text : point->default_caller ?: "";
}

/**
 * point_skip() - the knob skip, as text
 * @point: the point; errpath_mutex is held
 */
const char *point_skip(const struct errpath_point *point)
{
	return point->callers ? point->callers->skip_text : point->default_skip ?: "";
}

/* Names that are there already were found, or are defaults that this kernel may lack. */
static struct callers_names current_names(const struct errpath_point *point)
{
	return (struct callers_names) {
		.callers = point_callers(point),
		.callers_optional = true,
		.skip = point_skip(point),
		.skip_optional = true,
	};
}

static int use_default_callers(struct errpath_point *point)
{
	struct callers_names names = current_names(point);

	return point->callers ? 0 : replace_callers(point, &names);
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
	struct callers_names names = current_names(point);

	names.callers = text;
	names.callers_optional = false;
	return replace_callers(point, &names);
}

/**
 * point_set_skip() - the knob skip
 * @point: the point; errpath_mutex is held
 * @text: names of functions below which nothing is failed
 *
 * May sleep.
 *
 * Return: 0, or with nothing changed an error of callers_parse().
 */
int point_set_skip(struct errpath_point *point, const char *text)
{
	struct callers_names names = current_names(point);

	names.skip = text;
	names.skip_optional = false;
	return replace_callers(point, &names);
}

/**
 * point_want_stacks() - the knob stacks
 * @point: the point; errpath_mutex is held
 * @wanted: remember stacks from now on, those before forgotten; or no more
 *
 * May sleep.
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
		wait_for_handlers(point);
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
 * @point: the point; errpath_mutex is held
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
	vfree(stacks_disable(&point->stacks));
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
