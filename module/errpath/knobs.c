// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/errpath: a directory a point, a file a knob, with the names
 * and formats of Documentation/fault-injection where it has them.
 *
 * Every knob is a row of a table with a way to set and a way to show it. A set
 * either does it all or returns an error and changes nothing.
 *
 * No file can be opened before the module is ready: what is open holds the module, but
 * the memory of a module whose init fails is freed all the same.
 */
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "knobs.h"
#include "own_file.h"
#include "point.h"

#define MAX_WRITE	4096
#define STACK_WRITE	64	/* what is no longer than this needs no memory */
#define STACKS_TEXT	(1 << 20)

/**
 * struct knob - one file of a point's directory
 * @name: of the file
 * @takes: what may be written, for people
 * @set: from text without surrounding blanks, which it may consume; NULL: read only
 * @show: as text
 * @offset: of an unsigned long in struct errpath_point, for the plain numbers
 * @max: the greatest value of such a number
 * @exists: whether the point has it; NULL: every point
 *
 * @free: show needs no lock
 *
 * Set runs under the point's mutex, and show too, unless it is @free.
 */
struct knob {
	const char *name;
	const char *takes;
	int (*set)(struct errpath_point *point, const struct knob *knob, char *text);
	void (*show)(struct errpath_point *point, const struct knob *knob, struct seq_file *seq);
	size_t offset;
	unsigned long max;
	bool (*exists)(const struct errpath_point *point);
	bool free;
};

struct knob_file {
	struct errpath_point *point;
	const struct knob *knob;
};

static struct dentry *root;
static struct knob_file *files;
static bool ready;

/* Kernel-style numbers within limits. kstrtoul() would take a sign. */
static int parse_number(const char *text, unsigned long max, unsigned long *value)
{
	unsigned long number;

	if (!isdigit(*text) || kstrtoul(text, 0, &number) || number > max)
		return -EINVAL;
	*value = number;
	return 0;
}

/* kstrtoint() would take a plus. */
static int parse_integer(const char *text, int *value)
{
	return isdigit(*text) || *text == '-' ? kstrtoint(text, 0, value) : -EINVAL;
}

/* kstrtobool() looks at one or two characters only, and "never" begins as "no". */
static int parse_bool(const char *text, bool *value)
{
	static const char * const words[] = { "N", "Y", "n", "y", "0", "1", "off", "on" };
	int i = match_string(words, ARRAY_SIZE(words), text);

	if (i < 0)
		return -EINVAL;
	*value = i & 1;
	return 0;
}

static unsigned long *number_of(struct errpath_point *point, const struct knob *knob)
{
	return (void *)point + knob->offset;
}

static int set_number(struct errpath_point *point, const struct knob *knob, char *text)
{
	unsigned long value;
	int err = parse_number(text, knob->max, &value);

	if (!err)
		WRITE_ONCE(*number_of(point, knob), value);
	return err;
}

static void show_number(struct errpath_point *point, const struct knob *knob,
			struct seq_file *seq)
{
	seq_printf(seq, "%lu\n", *number_of(point, knob));
}

static void show_hex(struct errpath_point *point, const struct knob *knob, struct seq_file *seq)
{
	seq_printf(seq, "0x%016lx\n", *number_of(point, knob));
}

/* fault-injection takes a greater depth and walks as deep as it can. */
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
	atomic_set(&point->rules.times, times);
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

	return parse_bool(text, &on) ?: point_want_stacks(point, on);
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

static int set_gfp(struct errpath_point *point, const struct knob *knob, char *text)
{
	unsigned long flags;
	int err = request_parse_gfp(text, &flags);

	if (!err)
		WRITE_ONCE(*number_of(point, knob), flags);
	return err;
}

static bool has_requests(const struct errpath_point *point)
{
	return point->functions->asks.unit;
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
		pr_err_ratelimited("%s is armed: disarm it before choosing its device\n",
				   point->name);
		return -EBUSY;
	}
	if (strlen(text) >= sizeof(point->device))
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
	bool was_by_nth = rules->by_nth;
	unsigned long nth;
	int err = parse_number(text, LONG_MAX, &nth);

	if (err)
		return err;
	atomic64_set(&rules->nth, nth);
	WRITE_ONCE(rules->by_nth, nth > 0);
	err = point_update(point);
	if (err) {
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

	seq_printf(seq, "seen %llu\nmissed %llu\nmatched %llu\ninjected %llu\n",
		   stats.seen, stats.missed, stats.matched, stats.injected);
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
		pr_err_ratelimited("%s is armed: disarm it before choosing its functions\n",
				   point->name);
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

#define AT(field)	offsetof(struct errpath_point, field)

static const struct knob knobs[] = {
	{ "probability", "a percentage, 0 to 100", set_probability, show_probability },
	{ "interval", "a number", set_number, show_number, AT(rules.interval), ULONG_MAX },
	{ "times", "a number, -1: no limit", set_times, show_times },
	{ "space", "a number", set_space, show_space },
	{ "verbose", "0, 1 or 2", set_number, show_number, AT(verbose), 2 },
	{ "verbose_ratelimit_interval_ms", "milliseconds",
	  set_ratelimit_interval, show_ratelimit_interval },
	{ "verbose_ratelimit_burst", "a number", set_ratelimit_burst, show_ratelimit_burst },
	{ "task-filter", "Y or N", set_task_filter, show_task_filter },
	{ "stacktrace-depth", "a number", set_depth, show_number, AT(stack.depth) },
	{ "require-start", "an address", set_number, show_hex, AT(stack.require_start), ULONG_MAX },
	{ "require-end", "an address", set_number, show_hex, AT(stack.require_end), ULONG_MAX },
	{ "reject-start", "an address", set_number, show_hex, AT(stack.reject_start), ULONG_MAX },
	{ "reject-end", "an address", set_number, show_hex, AT(stack.reject_end), ULONG_MAX },
	{ "tasks", "pids of living tasks, self, or process:PID for all its threads",
	  set_tasks, show_tasks },
	{ "caller", "names of functions, or stack:NAME", set_caller, show_caller },
	{ "skip", "names of functions", set_skip, show_skip },
	{ "gfp-require", "gfp flags as GFP_KERNEL|__GFP_ZERO, or a number", set_gfp, show_hex,
	  AT(request.gfp_require), .exists = has_requests },
	{ "gfp-reject", "gfp flags as GFP_KERNEL|__GFP_ZERO, or a number", set_gfp, show_hex,
	  AT(request.gfp_reject), .exists = has_requests },
	{ "min-order", "a number", set_number, show_number, AT(request.min_order), BITS_PER_LONG,
	  has_requests },
	{ "max-order", "a number", set_number, show_number, AT(request.max_order), BITS_PER_LONG,
	  has_requests },
	{ "min-size", "bytes", set_number, show_number, AT(request.min_size), ULONG_MAX,
	  has_requests },
	{ "max-size", "bytes", set_number, show_number, AT(request.max_size), ULONG_MAX,
	  has_requests },
	{ "stacks", "Y or N", set_stacks, show_stacks },
	{ "targets", "ID or ID:OCCURRENCE, IDs as stacks shows them", set_targets, show_targets },
	{ "function", "functions of the point, or kinds of them, as status names them; empty: all",
	  set_function, show_function, .exists = has_functions },
	{ "nth", "a number, 0: none", set_nth, show_nth },
	{ "seconds", "seconds until a point that fails everything stops, 0: never",
	  set_number, show_number, AT(seconds), INT_MAX / HZ, has_requests },
	{ "errno", "-4095 to -1", set_errno, show_errno, .exists = returns_errno },
	{ "device", "a device's name; empty: any", set_device, show_device, .exists = has_device },
	{ "min", "an address, 0: fail instead", set_number, show_hex, AT(min), ULONG_MAX,
	  .exists = has_min },
	{ "stats", NULL, NULL, show_stats, .free = true },
};

static bool has_knob(const struct errpath_point *point, const struct knob *knob)
{
	return !knob->exists || knob->exists(point);
}

/* Which knob does not take what was written. */
static int refuse(const struct errpath_point *point, const struct knob *knob, int err)
{
	if (err == -EINVAL || err == -ESRCH)
		pr_err_ratelimited("%s/%s takes %s\n", point->name, knob->name, knob->takes);
	return err;
}

static int set_knob(struct errpath_point *point, const struct knob *knob, char *text)
{
	int err;

	mutex_lock(&point->mutex);
	err = knob->set(point, knob, strim(text));
	point_limit(point);
	mutex_unlock(&point->mutex);
	return refuse(point, knob, err);
}

static int knob_show(struct seq_file *seq, void *v)
{
	const struct knob_file *file = seq->private;

	if (!file->knob->free)
		mutex_lock(&file->point->mutex);
	file->knob->show(file->point, file->knob, seq);
	if (!file->knob->free)
		mutex_unlock(&file->point->mutex);
	return 0;
}

/* -EAGAIN until the module's init has succeeded. */
static int check_ready(void)
{
	/* pairs with smp_store_release() in knobs_open() */
	return smp_load_acquire(&ready) ? 0 : -EAGAIN;
}

/* Stacks are a long text: seq_file would begin with a page and format all anew each time. */
static size_t expected_size(const struct knob_file *file)
{
	if (file->knob->show == show_stacks && READ_ONCE(file->point->stacks.entry))
		return STACKS_TEXT;
	return PAGE_SIZE;
}

static int knob_open(struct inode *inode, struct file *file)
{
	struct knob_file *knob_file = inode->i_private;

	return check_ready() ?:
	       single_open_size(file, knob_show, knob_file, expected_size(knob_file));
}

/* One write is one setting, all of it text. */
static int write_text(const struct knob_file *file, char *text, size_t len, loff_t pos)
{
	if (!len || pos || strlen(text) != len)
		return refuse(file->point, file->knob, -EINVAL);
	return set_knob(file->point, file->knob, text);
}

static int write_long(const struct knob_file *file, const char __user *buf, size_t len, loff_t pos)
{
	char *text = memdup_user_nul(buf, len);
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	err = write_text(file, text, len, pos);
	kfree(text);
	return err;
}

static ssize_t knob_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	const struct knob_file *knob_file = ((struct seq_file *)file->private_data)->private;
	char text[STACK_WRITE];
	int err;

	/* root may write what is read only */
	if (!knob_file->knob->set)
		return -EINVAL;
	if (len > MAX_WRITE)
		return refuse(knob_file->point, knob_file->knob, -EINVAL);
	if (len >= sizeof(text)) {
		err = write_long(knob_file, buf, len, *pos);
	} else {
		if (copy_from_user(text, buf, len))
			return -EFAULT;
		text[len] = '\0';
		err = write_text(knob_file, text, len, *pos);
	}
	if (err)
		return err;
	*pos += len;
	return len;
}

static const struct file_operations knob_fops = {
	.owner = THIS_MODULE,
	.open = knob_open,
	.read = seq_read,
	.write = knob_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* The guard: when its holder closes it, or dies, everything disarms. */

static unsigned long guard_held;

static int guard_open(struct inode *inode, struct file *file)
{
	int err = check_ready();

	if (err)
		return err;
	return test_and_set_bit_lock(0, &guard_held) ? -EBUSY : 0;
}

static int guard_release(struct inode *inode, struct file *file)
{
	struct errpath_point * const *point;

	for (point = errpath_points; *point; point++) {
		mutex_lock(&(*point)->mutex);
		point_reset(*point);
		mutex_unlock(&(*point)->mutex);
	}
	clear_bit_unlock(0, &guard_held);
	return 0;
}

static const struct file_operations guard_fops = {
	.owner = THIS_MODULE,
	.open = guard_open,
	.release = guard_release,
};

#define STATUS_FORMAT	"%-16s %-7s %-37s %-6s"

/* Copied: the handler drops what it cannot write at once. */
static bool copy_last(struct errpath_point *point, struct errpath_last *last)
{
	unsigned long flags;

	local_irq_save(flags);
	while (atomic_xchg_acquire(&point->last.busy, 1))
		cpu_relax();
	last->pid = point->last.pid;
	memcpy(last->comm, point->last.comm, sizeof(last->comm));
	last->caller = point->last.caller;
	atomic_set_release(&point->last.busy, 0);
	local_irq_restore(flags);
	return last->caller;
}

static void show_last(struct seq_file *seq, struct errpath_point *point)
{
	struct errpath_last last;

	if (copy_last(point, &last))
		seq_printf(seq, "  %s/%d from %pS\n", last.comm, last.pid, (void *)last.caller);
	else
		seq_puts(seq, "  -\n");
}

static const char *function_how(const struct errpath_function *fn)
{
	return function_is_present(fn) ? intercept_how_name(&fn->ic) : "absent";
}

static void show_point(struct seq_file *seq, struct errpath_point *point)
{
	struct errpath_function *fn = point->functions;
	struct errpath_stats stats = point_stats(point);

	seq_printf(seq, STATUS_FORMAT " %10llu %8llu %10llu %10llu", point->name,
		   point_state(point), fn->symbol, function_how(fn),
		   stats.seen, stats.missed, stats.matched, stats.injected);
	show_last(seq, point);
	for (fn++; fn->symbol; fn++)
		seq_printf(seq, STATUS_FORMAT "\n", "", "", fn->symbol, function_how(fn));
}

/* Without a point's mutex, so that it need not wait until a point is armed. */
static int status_show(struct seq_file *seq, void *v)
{
	struct errpath_point * const *point;
	int err;

	seq_printf(seq, STATUS_FORMAT " %10s %8s %10s %10s  %s\n", "POINT", "STATE", "FUNCTION",
		   "BY", "SEEN", "MISSED", "MATCHED", "INJECTED", "LAST FAILED");
	for (point = errpath_points; *point; point++) {
		err = point_find_functions(*point);
		if (err)
			return err;
		show_point(seq, *point);
	}
	return 0;
}

static int status_open(struct inode *inode, struct file *file)
{
	return check_ready() ?: single_open(file, status_show, NULL);
}

static const struct file_operations status_fops = {
	.owner = THIS_MODULE,
	.open = status_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static int create_file(const char *name, umode_t mode, struct dentry *dir, void *data,
		       const struct file_operations *fops)
{
	return PTR_ERR_OR_ZERO(debugfs_create_file(name, mode, dir, data, fops));
}

/* @file: the next free entry of files; moved on by those that are used. */
static int create_point(struct errpath_point *point, struct knob_file **file)
{
	struct dentry *dir = debugfs_create_dir(point->name, root);
	const struct knob *knob;
	int err = PTR_ERR_OR_ZERO(dir);

	for (knob = knobs; knob < knobs + ARRAY_SIZE(knobs) && !err; knob++) {
		if (!has_knob(point, knob))
			continue;
		**file = (struct knob_file) { point, knob };
		err = create_file(knob->name, knob->set ? 0600 : 0400, dir, (*file)++, &knob_fops);
	}
	return err;
}

static unsigned int count_points(void)
{
	struct errpath_point * const *point;
	unsigned int n = 0;

	for (point = errpath_points; *point; point++)
		n++;
	return n;
}

static int create_files(void)
{
	struct errpath_point * const *point;
	struct knob_file *file = files;
	int err = create_file("guard", 0600, root, NULL, &guard_fops);

	if (!err)
		err = create_file("status", 0400, root, NULL, &status_fops);
	for (point = errpath_points; *point && !err; point++)
		err = create_point(*point, &file);
	return err;
}

static int create_root(void)
{
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (!IS_ERR(root))
		return 0;
	if (PTR_ERR(root) == -EEXIST)
		pr_err("no knobs: debugfs has a directory %s already\n", KBUILD_MODNAME);
	else if (PTR_ERR(root) != -ENOMEM)
		pr_err("no knobs: debugfs is off in this kernel or on its command line (debugfs=on)\n");
	return PTR_ERR(root);
}

/**
 * knobs_create() - make the debugfs tree
 *
 * Nothing in it can be opened before knobs_open(). The points are initialised.
 *
 * Context: may sleep.
 *
 * Return: 0, -ENOMEM, or the error of debugfs.
 */
int knobs_create(void)
{
	int err = -ENOMEM;

	files = kcalloc(count_points() * ARRAY_SIZE(knobs), sizeof(*files), GFP_KERNEL);
	if (files)
		err = create_root();
	if (err) {
		kfree(files);
		return err;
	}
	own_file_set_root(root);
	err = create_files();
	if (err) {
		pr_err("no knobs: debugfs cannot make their files (%d)\n", err);
		knobs_remove();
	}
	return err;
}

/**
 * knobs_open() - from now on the files can be opened
 *
 * The last act of the module's init.
 */
void knobs_open(void)
{
	/* pairs with smp_load_acquire() in check_ready() */
	smp_store_release(&ready, true);
}

/**
 * knobs_remove() - remove the debugfs tree
 *
 * Context: may sleep; on return no file operation runs any more.
 */
void knobs_remove(void)
{
	own_file_set_root(NULL);
	debugfs_remove(root);
	kfree(files);
}

static struct errpath_point *find_point(const char *name)
{
	struct errpath_point * const *point;

	for (point = errpath_points; *point; point++)
		if (!strcmp((*point)->name, name))
			return *point;
	return NULL;
}

static const struct knob *find_knob(const struct errpath_point *point, const char *name)
{
	const struct knob *knob;

	for (knob = knobs; knob < knobs + ARRAY_SIZE(knobs); knob++)
		if (knob->set && has_knob(point, knob) && !strcmp(knob->name, name))
			return knob;
	return NULL;
}

static int apply_one(struct errpath_point *point, char *assignment)
{
	char *name = strsep(&assignment, "=");
	const struct knob *knob = find_knob(point, strim(name));
	int err;

	if (!knob || !assignment) {
		pr_err("arm: %s: \"%s\" is no KNOB=VALUE of this point\n", point->name, name);
		return -EINVAL;
	}
	err = set_knob(point, knob, assignment);
	if (err)
		pr_err("arm: %s: %s=%s is refused (%d)\n", point->name, name, assignment, err);
	return err;
}

static int apply_point(char *text)
{
	char *name = strsep(&text, ":");
	struct errpath_point *point = find_point(strim(name));
	char *assignment;
	int err;

	if (!point || !text) {
		pr_err("arm: \"%s\": write POINT:KNOB=VALUE,KNOB=VALUE;POINT:...\n", name);
		return -EINVAL;
	}
	while ((assignment = strsep(&text, ","))) {
		err = apply_one(point, assignment);
		if (err)
			return err;
	}
	return 0;
}

/**
 * knobs_apply() - set knobs from the module parameter arm
 * @assignments: POINT:KNOB=VALUE,KNOB=VALUE;POINT:... applied from left to right;
 *	inside a value a list is separated by blanks
 *
 * May sleep.
 *
 * Return: 0, or the first error, after a line in the kernel log; what stands to
 * the left of it is set.
 */
int knobs_apply(const char *assignments)
{
	char *copy = kstrdup(assignments, GFP_KERNEL), *rest = copy, *word;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && (word = strsep(&rest, ";")))
		err = *strim(word) ? apply_point(word) : 0;
	kfree(copy);
	return err;
}
