// SPDX-License-Identifier: GPL-2.0
/*
 * The two files that concern all points: guard and status.
 *
 * While a task holds guard open, no other task can open it and the module cannot be
 * unloaded. When the last descriptor is closed, also because the task died, every
 * point is reset.
 */
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "arm.h"
#include "control.h"
#include "debugfs.h"
#include "point.h"

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
	struct errpath_point * const *point;

	for (point = errpath_points; *point; point++) {
		mutex_lock(&(*point)->mutex);
		point_reset(*point);
		mutex_unlock(&(*point)->mutex);
	}
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

static void status_show_point(struct seq_file *seq, struct errpath_point *point)
{
	struct errpath_function *fn = point->functions;
	struct errpath_stats stats = point_stats(point);

	seq_printf(seq, STATUS_FORMAT " %10llu %8llu %10llu %10llu", point->name,
		   point_state(point), fn->symbol, function_mechanism(fn),
		   stats.seen, stats.missed, stats.matched, stats.injected);
	status_show_last(seq, point);
	for (fn++; fn->symbol; fn++)
		seq_printf(seq, STATUS_FORMAT "\n", "", "", fn->symbol, function_mechanism(fn));
}

/* Without a point's mutex: arming a point takes long, and status must not wait for it. */
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
		status_show_point(seq, *point);
	}
	return 0;
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
