// SPDX-License-Identifier: GPL-2.0
/*
 * The knobs of a point, one row of a table each, with the names and formats of
 * Documentation/fault-injection where it has them. debugfs.c makes their files.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kstrtox.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uuid.h>

#include "arm.h"
#include "knobs.h"
#include "point.h"

#define STACKS_TEXT	(1 << 20)
#define MAX_DELAY_US	100000	/* interrupts can be off meanwhile */

/* Decimal, 0x or 0 octal, at most @max. kstrtoul() also accepts a sign. */
static int parse_number(const char *text, unsigned long max, unsigned long *value)
{
	unsigned long number;

	if (!isdigit(*text) || kstrtoul(text, 0, &number) || number > max)
		return -EINVAL;
	*value = number;
	return 0;
}

/* kstrtoint() also accepts a plus sign. */
static int parse_integer(const char *text, int *value)
{
	return isdigit(*text) || *text == '-' ? kstrtoint(text, 0, value) : -EINVAL;
}

/* kstrtobool() compares one or two characters only: it takes "never" for "no". */
static int parse_bool(const char *text, bool *value)
{
	static const char * const words[] = { "N", "Y", "n", "y", "0", "1", "off", "on" };
	int i = match_string(words, ARRAY_SIZE(words), text);

	if (i < 0)
		return -EINVAL;
	*value = i & 1;
	return 0;
}

static unsigned long *knob_number(struct errpath_point *point, const struct knob *knob)
{
	return (void *)point + knob->offset;
}

static int set_ulong(struct errpath_point *point, const struct knob *knob, char *text)
{
	unsigned long value;
	int err = parse_number(text, knob->max, &value);

	if (!err)
		WRITE_ONCE(*knob_number(point, knob), value);
	return err;
}

static void show_ulong(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	seq_printf(seq, "%lu\n", *knob_number(point, knob));
}

static void show_hex(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	seq_printf(seq, "0x%016lx\n", *knob_number(point, knob));
}

/* Like fault-injection, limit a greater depth to the maximum. */
static int set_depth(struct errpath_point *point, const struct knob *knob, char *text)
{
	unsigned long depth;
	int err = parse_number(text, ULONG_MAX, &depth);

	if (!err)
		WRITE_ONCE(point->stack.depth, min_t(unsigned long, depth, STACK_MAX_DEPTH));
	return err;
}

static int set_ratelimit_interval(struct errpath_point *point, const struct knob *knob, char *text)
{
	unsigned long ms;
	int err = parse_number(text, INT_MAX / HZ, &ms);

	if (!err)
		WRITE_ONCE(point->ratelimit.interval, msecs_to_jiffies(ms));
	return err;
}

static void show_ratelimit_interval(struct errpath_point *point, const struct knob *knob,
				    struct seq_file *seq)
{
	seq_printf(seq, "%u\n", jiffies_to_msecs(point->ratelimit.interval));
}

static int set_ratelimit_burst(struct errpath_point *point, const struct knob *knob, char *text)
{
	unsigned long burst;
	int err = parse_number(text, INT_MAX, &burst);

	if (!err)
		WRITE_ONCE(point->ratelimit.burst, burst);
	return err;
}

static void show_ratelimit_burst(struct errpath_point *point, const struct knob *knob,
				 struct seq_file *seq)
{
	seq_printf(seq, "%d\n", point->ratelimit.burst);
}

static int set_times(struct errpath_point *point, const struct knob *knob, char *text)
{
	int times;

	if (parse_integer(text, &times) || times < TIMES_NO_LIMIT)
		return -EINVAL;
	fault_rules_set_times(&point->rules, times);
	return 0;
}

static void show_times(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	seq_printf(seq, "%d\n", atomic_read(&point->rules.times));
}

static int set_space(struct errpath_point *point, const struct knob *knob, char *text)
{
	unsigned long space;
	int err = parse_number(text, INT_MAX, &space);

	if (!err)
		atomic_set(&point->rules.space, space);
	return err;
}

static void show_space(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	seq_printf(seq, "%d\n", atomic_read(&point->rules.space));
}

static int set_task_filter(struct errpath_point *point, const struct knob *knob, char *text)
{
	bool on;

	if (parse_bool(text, &on))
		return -EINVAL;
	WRITE_ONCE(point->task_filter, on);
	return 0;
}

static void show_task_filter(struct errpath_point *point, const struct knob *knob,
			     struct seq_file *seq)
{
	seq_puts(seq, point->task_filter ? "Y\n" : "N\n");
}

static int set_tasks(struct errpath_point *point, const struct knob *knob, char *text)
{
	return task_set_write(&point->tasks, text);
}

static void show_tasks(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	task_set_show(&point->tasks, seq);
}

static int set_caller(struct errpath_point *point, const struct knob *knob, char *text)
{
	return point_set_callers(point, text);
}

static void show_caller(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	seq_printf(seq, "%s\n", point_callers(point));
}

static int set_skip(struct errpath_point *point, const struct knob *knob, char *text)
{
	return point_set_skip(point, text);
}

static void show_skip(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	seq_printf(seq, "%s\n", point_skip(point));
}

static int set_stacks(struct errpath_point *point, const struct knob *knob, char *text)
{
	bool on;

	if (parse_bool(text, &on))
		return -EINVAL;
	return point_record_stacks(point, on);
}

static void show_stacks(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	stacks_show(&point->stacks, seq);
}

static int set_targets(struct errpath_point *point, const struct knob *knob, char *text)
{
	return targets_parse(&point->targets, text);
}

static void show_targets(struct errpath_point *point, const struct knob *knob,
			 struct seq_file *seq)
{
	targets_show(&point->targets, seq);
}

/* What happens to a call instead of failing: see point_set_instead(). */
static int set_instead(struct errpath_point *point, const struct knob *knob, char *text)
{
	int err = set_ulong(point, knob, text);

	if (!err)
		point_set_instead(point);
	return err;
}

static int set_gfp(struct errpath_point *point, const struct knob *knob, char *text)
{
	unsigned long flags;
	int err = request_parse_gfp(text, &flags);

	if (!err)
		WRITE_ONCE(*knob_number(point, knob), flags);
	return err;
}

static bool has_requests(const struct errpath_point *point)
{
	return point->functions->request.unit;
}

static bool has_caches(const struct errpath_point *point)
{
	return has_requests(point) && CACHES_ARE_IN_SYSFS;
}

static int set_cache(struct errpath_point *point, const struct knob *knob, char *text)
{
	const struct kmem_cache *cache = NULL;

	if (*text)
		cache = cache_choose(&point->cache, text);
	else
		cache_forget(&point->cache);
	if (IS_ERR(cache))
		return PTR_ERR(cache);
	WRITE_ONCE(point->request.cache, cache);
	return 0;
}

static void show_cache(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	seq_printf(seq, "%s\n", point->cache.name);
}

static int set_errno(struct errpath_point *point, const struct knob *knob, char *text)
{
	int err;

	if (parse_integer(text, &err) || err < -MAX_ERRNO || err >= 0)
		return -EINVAL;
	WRITE_ONCE(point->errno, err);
	return 0;
}

static void show_errno(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	seq_printf(seq, "%d\n", point->errno);
}

static bool returns_errno(const struct errpath_point *point)
{
	return point->default_errno;
}

static bool has_device(const struct errpath_point *point)
{
	return point->functions->device;
}

static int set_device(struct errpath_point *point, const struct knob *knob, char *text)
{
	if (point->armed) {
		pr_err("%s is armed: disarm it before you write to its device\n", point->name);
		return -EBUSY;
	}
	if (*text && (strlen(text) != UUID_STRING_LEN || !uuid_is_valid(text)))
		return -EINVAL;
	strscpy(point->device, text, sizeof(point->device));
	return 0;
}

static void show_device(struct errpath_point *point, const struct knob *knob,
			struct seq_file *seq)
{
	seq_printf(seq, "%s\n", point->device);
}

static bool has_min(const struct errpath_point *point)
{
	return point->functions->min_arg;
}

static int set_probability(struct errpath_point *point, const struct knob *knob, char *text)
{
	unsigned long old = point->rules.probability, value;
	int err = parse_number(text, 100, &value);

	if (err)
		return err;
	WRITE_ONCE(point->rules.probability, value);
	err = point_update(point);
	if (err)
		WRITE_ONCE(point->rules.probability, old);
	return err;
}

static void show_probability(struct errpath_point *point, const struct knob *knob,
			     struct seq_file *seq)
{
	seq_printf(seq, "%lu\n", point->rules.probability);
}

static int set_nth(struct errpath_point *point, const struct knob *knob, char *text)
{
	struct fault_rules *rules = &point->rules;
	s64 old = atomic64_read(&rules->nth);
	int old_after = atomic_read(&rules->after);
	bool was_by_nth = rules->by_nth;
	unsigned long nth;
	int err = parse_number(text, LONG_MAX, &nth);

	if (err)
		return err;
	fault_rules_set_nth(rules, nth);
	err = point_update(point);
	if (err) {
		atomic_set(&rules->after, old_after);
		atomic64_set(&rules->nth, old);
		WRITE_ONCE(rules->by_nth, was_by_nth);
	}
	return err;
}

static void show_nth(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	seq_printf(seq, "%lld\n", atomic64_read(&point->rules.nth));
}

static void show_stats(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	struct errpath_stats stats = point_stats(point);

	seq_printf(seq, "seen %llu\nmissed %llu\nwalked %llu\nmatched %llu\ninjected %llu\n",
		   stats.seen, stats.missed, stats.walked, stats.matched, stats.injected);
	sites_show(&point->sites, seq);
}

static bool has_functions(const struct errpath_point *point)
{
	return point->functions[1].symbol;
}

static int set_function(struct errpath_point *point, const struct knob *knob, char *text)
{
	int err = point_select_functions(point, text);

	if (err == -EBUSY)
		pr_err("%s is armed: disarm it before you write to its function\n", point->name);
	return err;
}

static void show_function(struct errpath_point *point, const struct knob *knob,
			  struct seq_file *seq)
{
	const struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (!fn->unselected)
			seq_printf(seq, "%s\n", fn->symbol);
}

#define FLAGS	"gfp flags as GFP_KERNEL|__GFP_ZERO, or a number"

#define KNOB(_name, _set, _show, _takes, ...) \
	{ .name = _name, .set = _set, .show = _show, .takes = _takes, ##__VA_ARGS__ }

#define KNOB_ULONG(_name, _field, _max, _takes, ...) \
	KNOB(_name, set_ulong, show_ulong, _takes, .max = _max, \
	     .offset = offsetof(struct errpath_point, _field), ##__VA_ARGS__)

#define KNOB_ADDRESS(_name, _field, _takes, ...) \
	KNOB(_name, set_ulong, show_hex, _takes, .max = ULONG_MAX, \
	     .offset = offsetof(struct errpath_point, _field), ##__VA_ARGS__)

#define KNOB_GFP(_name, _field) \
	KNOB(_name, set_gfp, show_hex, FLAGS, \
	     .offset = offsetof(struct errpath_point, _field), .exists = has_requests)

const struct knob errpath_knobs[] = {
	KNOB("probability", set_probability, show_probability, "a percentage, 0 to 100"),
	KNOB_ULONG("interval", rules.interval, ULONG_MAX, "a number"),
	KNOB("times", set_times, show_times, "a number, -1: no limit"),
	KNOB("space", set_space, show_space, "a number"),
	KNOB_ULONG("verbose", verbose, 2, "0, 1 or 2"),
	KNOB("verbose_ratelimit_interval_ms", set_ratelimit_interval, show_ratelimit_interval,
	     "milliseconds"),
	KNOB("verbose_ratelimit_burst", set_ratelimit_burst, show_ratelimit_burst, "a number"),
	KNOB("task-filter", set_task_filter, show_task_filter, "Y or N"),
	KNOB("stacktrace-depth", set_depth, show_ulong, "a number",
	     .offset = offsetof(struct errpath_point, stack.depth)),
	KNOB_ADDRESS("require-start", stack.require_start, "an address"),
	KNOB_ADDRESS("require-end", stack.require_end, "an address"),
	KNOB_ADDRESS("reject-start", stack.reject_start, "an address"),
	KNOB_ADDRESS("reject-end", stack.reject_end, "an address"),
	KNOB("tasks", set_tasks, show_tasks,
	     "pids of living tasks, self, or process:PID for all its threads"),
	KNOB("caller", set_caller, show_caller, "names of functions, or stack:NAME"),
	KNOB("skip", set_skip, show_skip, "names of functions"),
	KNOB_GFP("gfp-require", request.gfp_require),
	KNOB_GFP("gfp-reject", request.gfp_reject),
	KNOB_ULONG("min-order", request.min_order, BITS_PER_LONG, "an order, 0 to 64",
		   .exists = has_requests),
	KNOB_ULONG("max-order", request.max_order, BITS_PER_LONG, "an order, 0 to 64",
		   .exists = has_requests),
	KNOB_ULONG("min-size", request.min_size, ULONG_MAX, "bytes", .exists = has_requests),
	KNOB_ULONG("max-size", request.max_size, ULONG_MAX, "bytes", .exists = has_requests),
	KNOB("cache", set_cache, show_cache,
	     "the name of a slab cache in /sys/kernel/slab, empty: any", .exists = has_caches),
	KNOB("stacks", set_stacks, show_stacks, "Y or N"),
	KNOB("targets", set_targets, show_targets,
	     "ID, ID:OCCURRENCE or ID:OCCURRENCE+, with IDs that the file stacks lists"),
	KNOB("function", set_function, show_function,
	     "functions that status shows, or in alloc page, slab, percpu, vmalloc; empty: all",
	     .exists = has_functions),
	KNOB("nth", set_nth, show_nth, "a number, 0: none"),
	KNOB_ULONG("seconds", seconds, INT_MAX / HZ,
		   "seconds after which a point that fails everything stops, 0: never",
		   .exists = has_requests),
	KNOB("errno", set_errno, show_errno, "-4095 to -1", .exists = returns_errno),
	KNOB("device", set_device, show_device, "a name in /sys/bus/vmbus/devices, empty: any",
	     .exists = has_device),
	KNOB("min", set_instead, show_hex, "an address, 0: the call fails", .max = ULONG_MAX,
	     .offset = offsetof(struct errpath_point, min), .exists = has_min),
	KNOB("delay-us", set_instead, show_ulong, "microseconds, at most 100000, 0: the call fails",
	     .max = MAX_DELAY_US, .offset = offsetof(struct errpath_point, delay_us)),
	KNOB("stats", NULL, show_stats, NULL, .lockless = true),
	{}
};

/**
 * knob_exists() - test whether a point has a knob
 * @point: the point
 * @knob: an entry of errpath_knobs
 */
bool knob_exists(const struct errpath_point *point, const struct knob *knob)
{
	return !knob->exists || knob->exists(point);
}

/**
 * knob_refuse() - log which values a knob accepts
 * @point: the point
 * @knob: the knob
 * @err: error of a write; only -EINVAL and -ESRCH are logged
 *
 * Return: @err.
 */
int knob_refuse(const struct errpath_point *point, const struct knob *knob, int err)
{
	if (err == -EINVAL || err == -ESRCH)
		pr_err("%s/%s takes %s\n", point->name, knob->name, knob->takes);
	return err;
}

/**
 * knob_set() - set a knob of a point
 * @point: the point
 * @knob: one that the point has and that can be written
 * @text: the value; it is consumed
 *
 * Context: may sleep; takes the point's mutex.
 *
 * Return: 0, or with nothing changed the error of the knob.
 */
int knob_set(struct errpath_point *point, const struct knob *knob, char *text)
{
	int err;

	mutex_lock(&point->mutex);
	err = knob->set(point, knob, strim(text));
	point_limit(point);
	mutex_unlock(&point->mutex);
	return knob_refuse(point, knob, err);
}

/**
 * knob_show() - print a knob of a point
 * @point: the point
 * @knob: one that the point has
 * @seq: file to print to
 *
 * Context: may sleep; takes the point's mutex, unless the knob is lockless.
 */
void knob_show(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	if (!knob->lockless)
		mutex_lock(&point->mutex);
	knob->show(point, knob, seq);
	if (!knob->lockless)
		mutex_unlock(&point->mutex);
}

/**
 * knob_expected_size() - estimate the length of a knob's text
 * @point: the point
 * @knob: one that the point has
 *
 * The text of many stacks is long. From a page, seq_file would double its buffer again
 * and again, and format all stacks each time.
 */
size_t knob_expected_size(const struct errpath_point *point, const struct knob *knob)
{
	if (knob->show == show_stacks && READ_ONCE(point->stacks.table))
		return STACKS_TEXT;
	return PAGE_SIZE;
}
