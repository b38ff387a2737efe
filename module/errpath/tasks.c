// SPDX-License-Identifier: GPL-2.0
/*
 * Whom a point may fail. As with make-it-fail, what a named task forks or
 * clones from then on is named too, and stays so when its parent is gone. A
 * task leaves the set just before its task_struct can be reused.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "tasks.h"

#define MAX_NAMED	64

/* Sets that name somebody: what the tracepoints below go through. */
static LIST_HEAD(followed_sets);
static DEFINE_RAW_SPINLOCK(followed_lock);
static DEFINE_MUTEX(follow_mutex);

static struct tracepoint *fork_tracepoint, *free_tracepoint;

static void set_slot(struct task_set *set, struct task_struct *task,
		     struct task_struct *old, struct task_struct *new)
{
	struct task_bucket *bucket = &set->buckets[hash_ptr(task, TASK_BUCKET_BITS)];
	int i;

	lockdep_assert_held(&set->lock);
	for (i = 0; i < TASK_BUCKET_SIZE; i++) {
		if (bucket->task[i] != old)
			continue;
		WRITE_ONCE(bucket->task[i], new);
		bucket->used += new ? 1 : -1;
		return;
	}
	if (new)
		set->lost++;
}

static void add_locked(struct task_set *set, struct task_struct *task)
{
	if (!task_set_has(set, task))
		set_slot(set, task, NULL, task);
}

static void on_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	struct task_set *set;
	unsigned long flags;

	raw_spin_lock_irqsave(&followed_lock, flags);
	list_for_each_entry(set, &followed_sets, list) {
		raw_spin_lock(&set->lock);
		if (task_set_has(set, parent))
			add_locked(set, child);
		raw_spin_unlock(&set->lock);
	}
	raw_spin_unlock_irqrestore(&followed_lock, flags);
}

static void on_free(void *data, struct task_struct *task)
{
	struct task_set *set;
	unsigned long flags;

	raw_spin_lock_irqsave(&followed_lock, flags);
	list_for_each_entry(set, &followed_sets, list) {
		raw_spin_lock(&set->lock);
		if (task_set_has(set, task))
			set_slot(set, task, task, NULL);
		raw_spin_unlock(&set->lock);
	}
	raw_spin_unlock_irqrestore(&followed_lock, flags);
}

/* The scheduler's tracepoints are not exported, but they can be walked. */
static void find_tracepoint(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "sched_process_fork"))
		fork_tracepoint = tp;
	else if (!strcmp(tp->name, "sched_process_free"))
		free_tracepoint = tp;
}

static int start_following(void)
{
	int err;

	for_each_kernel_tracepoint(find_tracepoint, NULL);
	if (!fork_tracepoint || !free_tracepoint) {
		pr_err("tasks: this kernel has no sched_process_fork and sched_process_free tracepoints (CONFIG_TRACEPOINTS)\n");
		return -EOPNOTSUPP;
	}
	err = tracepoint_probe_register(free_tracepoint, on_free, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(fork_tracepoint, on_fork, NULL);
	if (err)
		tracepoint_probe_unregister(free_tracepoint, on_free, NULL);
	return err;
}

static void stop_following(void)
{
	tracepoint_probe_unregister(fork_tracepoint, on_fork, NULL);
	tracepoint_probe_unregister(free_tracepoint, on_free, NULL);
	tracepoint_synchronize_unregister();
}

static int follow(struct task_set *set, bool on)
{
	int err = 0;

	mutex_lock(&follow_mutex);
	if (on == set->followed)
		goto unlock;
	if (on && list_empty(&followed_sets))
		err = start_following();
	if (err)
		goto unlock;
	raw_spin_lock_irq(&followed_lock);
	if (on)
		list_add(&set->list, &followed_sets);
	else
		list_del(&set->list);
	raw_spin_unlock_irq(&followed_lock);
	set->followed = on;
	if (list_empty(&followed_sets))
		stop_following();
unlock:
	mutex_unlock(&follow_mutex);
	return err;
}

static struct task_struct *task_of(pid_t nr)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task;

	task = pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	return task;
}

static int parse(char *text, pid_t pids[MAX_NAMED])
{
	char *word;
	int n = 0;

	while ((word = strsep(&text, " ,\t\n"))) {
		if (!*word)
			continue;
		if (n == MAX_NAMED)
			return -E2BIG;
		if (!strcmp(word, "self"))
			pids[n] = task_pid_vnr(current);
		else if (kstrtoint(word, 10, &pids[n]) || pids[n] <= 0)
			return -EINVAL;
		n++;
	}
	return n;
}

/*
 * All or nothing. A task that the pid still leads to cannot be freed before we
 * leave the RCU section, so on_free() is yet to come for each that is added.
 */
static int replace(struct task_set *set, const pid_t *pids, int n)
{
	struct task_struct *task[MAX_NAMED];
	int i, err = 0;

	rcu_read_lock();
	for (i = 0; i < n; i++) {
		task[i] = task_of(pids[i]);
		if (!task[i])
			err = -ESRCH;
	}
	if (!err) {
		raw_spin_lock_irq(&set->lock);
		memset(set->buckets, 0, sizeof(*set->buckets) << TASK_BUCKET_BITS);
		set->lost = 0;
		for (i = 0; i < n; i++)
			add_locked(set, task[i]);
		raw_spin_unlock_irq(&set->lock);
	}
	rcu_read_unlock();
	return err;
}

static int make_buckets(struct task_set *set)
{
	struct task_bucket *buckets;

	if (set->buckets)
		return 0;
	buckets = kcalloc(1 << TASK_BUCKET_BITS, sizeof(*buckets), GFP_KERNEL);
	if (!buckets)
		return -ENOMEM;
	WRITE_ONCE(set->buckets, buckets);
	return 0;
}

/**
 * task_set_clear() - name nobody
 * @set: the set
 *
 * Callers serialise. May sleep.
 */
void task_set_clear(struct task_set *set)
{
	if (!set->buckets)
		return;
	replace(set, NULL, 0);
	follow(set, false);
}

/**
 * task_set_write() - name other tasks
 * @set: the set
 * @text: pids as the writer sees them, and "self" for the writer, separated by
 *	blanks or commas; empty: nobody. Is consumed.
 *
 * Callers serialise. May sleep.
 *
 * Return: 0, or with nothing changed -EINVAL, -E2BIG (more than 64), -ESRCH (no
 * such task), -ENOMEM, or -EOPNOTSUPP (no tracepoints).
 */
int task_set_write(struct task_set *set, char *text)
{
	bool was_followed = set->followed;
	pid_t pids[MAX_NAMED];
	int n, err;

	n = parse(text, pids);
	if (n < 0)
		return n;
	if (!n) {
		task_set_clear(set);
		return 0;
	}
	err = make_buckets(set) ?: follow(set, true);
	if (err)
		return err;
	err = replace(set, pids, n);
	if (err && !was_followed)
		follow(set, false);
	return err;
}

/**
 * task_set_show() - print the pids, as the reader sees them
 * @set: the set
 * @seq: where to
 */
void task_set_show(struct task_set *set, struct seq_file *seq)
{
	struct task_struct *task;
	bool first = true;
	int i;

	if (!set->buckets)
		goto end;
	raw_spin_lock_irq(&set->lock);	/* keeps on_free() from returning */
	for (i = 0; i < TASK_BUCKET_SIZE << TASK_BUCKET_BITS; i++) {
		task = set->buckets[i / TASK_BUCKET_SIZE].task[i % TASK_BUCKET_SIZE];
		if (!task || !task_pid_vnr(task))
			continue;	/* dead already */
		seq_printf(seq, "%s%d", first ? "" : " ", task_pid_vnr(task));
		first = false;
	}
	raw_spin_unlock_irq(&set->lock);
	if (set->lost)
		seq_printf(seq, " (and %u children that found no room)", set->lost);
end:
	seq_putc(seq, '\n');
}

void task_set_init(struct task_set *set)
{
	raw_spin_lock_init(&set->lock);
}

/**
 * task_set_free() - empty the set and give its memory back
 * @set: of a point that no longer intercepts anything
 */
void task_set_free(struct task_set *set)
{
	if (!set->buckets)
		return;
	follow(set, false);
	kfree(set->buckets);
	set->buckets = NULL;
}
