// SPDX-License-Identifier: GPL-2.0
/*
 * The two files that concern all points: guard and status.
 *
 * While a task holds guard open, no other task can open it and the module cannot be
 * unloaded. When the last descriptor is closed, also because the task died, every
 * point is reset, and those that were added at run time are removed.
 */
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "arm.h"
#include "control.h"
#include "debugfs.h"
#include "functions.h"
#include "points.h"

static unsigned long guard_held;

static int guard_open(struct inode *inode, struct file *file)
{
	int err = errpath_debugfs_check_open();

	if (err)
		return err;
	return test_and_set_bit_lock(0, &guard_held) ? -EBUSY : 0;
}

static int guard_release(struct inode *inode, struct file *file)
{
	struct errpath_point *point;

	mutex_lock(&errpath_points_mutex);
	functions_remove_all();
	list_for_each_entry(point, &errpath_points, list) {
		mutex_lock(&point->mutex);
		point_reset(point);
		mutex_unlock(&point->mutex);
	}
	mutex_unlock(&errpath_points_mutex);
	clear_bit_unlock(0, &guard_held);
	return 0;
}

const struct file_operations guard_fops = {
	.owner = THIS_MODULE,
	.open = guard_open,
	.release = guard_release,
};

#define STATUS_FORMAT	"%-16s %-7s %-37s %-6s"

/* Copy it and let go: while @busy is taken, a handler does not record its call. */
static bool status_copy_last(struct errpath_point *point, struct errpath_last *last)
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

static void status_show_last(struct seq_file *seq, struct errpath_point *point)
{
	struct errpath_last last;

	if (status_copy_last(point, &last))
		seq_printf(seq, "  %s/%d from %pS\n", last.comm, last.pid, (void *)last.caller);
	else
		seq_puts(seq, "  -\n");
}

static const char *function_mechanism(const struct errpath_function *fn)
{
	return function_is_present(fn) ? intercept_how_name(&fn->ic) : "absent";
}

/* Return the first function that this kernel has; if it has none, the first one. */
static struct errpath_function *status_first_function(struct errpath_point *point)
{
	struct errpath_function *fn;

	for (fn = point->functions; fn->symbol; fn++)
		if (function_is_present(fn))
			return fn;
	return point->functions;
}

static void status_show_point(struct seq_file *seq, struct errpath_point *point)
{
	struct errpath_function *first = status_first_function(point), *fn;
	struct errpath_stats stats = point_stats(point);
	int absent = 0;

	seq_printf(seq, STATUS_FORMAT " %10llu %8llu %10llu %10llu", point->name,
		   point_state(point), first->symbol, function_mechanism(first),
		   stats.seen, stats.missed, stats.matched, stats.injected);
	status_show_last(seq, point);
	for (fn = point->functions; fn->symbol; fn++) {
		if (fn == first)
			continue;
		if (function_is_present(fn))
			seq_printf(seq, STATUS_FORMAT "\n", "", "", fn->symbol,
				   function_mechanism(fn));
		else
			absent++;
	}
	if (absent)
		seq_printf(seq, "%-24s +%-36d %-6s\n", "", absent, "absent");
}

/* Without a point's mutex: arming a point takes long, and status must not wait for it. */
static int status_show(struct seq_file *seq, void *v)
{
	struct errpath_point *point;
	int err = 0;

	seq_printf(seq, STATUS_FORMAT " %10s %8s %10s %10s  %s\n", "POINT", "STATE", "FUNCTION",
		   "BY", "SEEN", "MISSED", "MATCHED", "INJECTED", "LAST FAILED");
	mutex_lock(&errpath_points_mutex);
	list_for_each_entry(point, &errpath_points, list) {
		err = point_find_functions(point);
		if (err)
			break;
		status_show_point(seq, point);
	}
	mutex_unlock(&errpath_points_mutex);
	return err;
}

static int status_open(struct inode *inode, struct file *file)
{
	int err = errpath_debugfs_check_open();

	return err ?: single_open(file, status_show, NULL);
}

const struct file_operations status_fops = {
	.owner = THIS_MODULE,
	.open = status_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};
