// SPDX-License-Identifier: GPL-2.0
/*
 * Whom a point may fail. As with make-it-fail, every task that a named task creates
 * from then on is named too, and stays so when its parent is gone: children,
 * threads, io_uring workers, vhost tasks. A task leaves the set just before its
 * task_struct can be reused.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "tasks.h"

#define MAX_NAMED	64
#define MIN_BITS	8
#define MAX_BITS	14

/* Sets that name somebody: what the tracepoints below go through. */
static LIST_HEAD(followed_sets);
static DEFINE_RAW_SPINLOCK(followed_lock);
static DEFINE_MUTEX(follow_mutex);

static struct tracepoint *new_tracepoint, *free_tracepoint;

/* Put @new where @old is; false if there is no @old. */
static bool replace_task(struct task_table *table, struct task_struct *task,
			 struct task_struct *old, struct task_struct *new)
{
	struct task_bucket *bucket = &table->bucket[hash_ptr(task, table->bits)];
	int i, change = new ? 1 : -1;

	for (i = 0; i < TASK_BUCKET_SIZE; i++) {
		if (bucket->task[i] != old)
			continue;
		WRITE_ONCE(bucket->task[i], new);
		WRITE_ONCE(bucket->used, bucket->used + change);
		WRITE_ONCE(table->nr, table->nr + change);
		return true;
	}
	return false;
}

static bool add_task(struct task_table *table, struct task_struct *task)
{
	return task_table_has(table, task) || replace_task(table, task, NULL, task);
}

/* Called by the task that creates @child, with @child not running yet. */
static void on_new(void *data, struct task_struct *child, unsigned long clone_flags)
{
	struct task_set *set;
	unsigned long flags;

	raw_spin_lock_irqsave(&followed_lock, flags);
	list_for_each_entry(set, &followed_sets, list) {
		raw_spin_lock(&set->lock);
		if (task_set_has(set, current) && !add_task(set->table, child))
			set->lost++;
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
			replace_task(set->table, task, task, NULL);
		raw_spin_unlock(&set->lock);
	}
	raw_spin_unlock_irqrestore(&followed_lock, flags);
}

/* These tracepoints are not exported, but they can be walked. */
static void find_tracepoint(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "task_newtask"))
		new_tracepoint = tp;
	else if (!strcmp(tp->name, "sched_process_free"))
		free_tracepoint = tp;
}

static int start_following(void)
{
	int err;

	for_each_kernel_tracepoint(find_tracepoint, NULL);
	if (!new_tracepoint || !free_tracepoint) {
		pr_err("tasks: this kernel has no tracepoints task_newtask and sched_process_free (CONFIG_TRACEPOINTS)\n");
		return -EOPNOTSUPP;
	}
	err = tracepoint_probe_register(free_tracepoint, on_free, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(new_tracepoint, on_new, NULL);
	if (err)
		tracepoint_probe_unregister(free_tracepoint, on_free, NULL);
	return err;
}

static void stop_following(void)
{
	tracepoint_probe_unregister(new_tracepoint, on_new, NULL);
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

/* One word of the knob. */
struct named {
	pid_t pid;
	bool process;	/* all its threads */
};

static int parse_word(const char *word, struct named *named)
{
	static const char prefix[] = "process:";

	named->process = str_has_prefix(word, prefix);
	if (named->process)
		word += strlen(prefix);
	if (!strcmp(word, "self")) {
		named->pid = task_pid_vnr(current);
		return 0;
	}
	/* kstrtoint() takes a sign. */
	if (*word < '0' || *word > '9')
		return -EINVAL;
	return kstrtoint(word, 10, &named->pid) || !named->pid ? -EINVAL : 0;
}

static int parse(char *text, struct named named[MAX_NAMED])
{
	char *word;
	int n = 0;

	while ((word = strsep(&text, " ,\t\n"))) {
		if (!*word)
			continue;
		if (n == MAX_NAMED)
			return -E2BIG;
		if (parse_word(word, &named[n++]))
			return -EINVAL;
	}
	return n;
}

/* Under RCU. */
static struct task_struct *task_of(pid_t nr)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = pid_task(pid, PIDTYPE_PID);

	put_pid(pid);
	return task;
}

/* How many tasks are named, for a table's size. */
static int count_tasks(const struct named *named, int n)
{
	struct task_struct *task;
	int i, sum = 0;

	rcu_read_lock();
	for (i = 0; i < n && sum >= 0; i++) {
		task = task_of(named[i].pid);
		if (!task)
			sum = -ESRCH;
		else
			sum += named[i].process ? get_nr_threads(task) : 1;
	}
	rcu_read_unlock();
	return sum;
}

static int add_named(struct task_table *table, const struct named *named)
{
	struct task_struct *leader = task_of(named->pid), *task;

	if (!leader)
		return -ESRCH;
	if (!named->process)
		return add_task(table, leader) ? 0 : -ENOSPC;
	for_each_thread(leader, task)
		if (!add_task(table, task))
			return -ENOSPC;
	return 0;
}

/*
 * Not by kvfree_rcu(), which frees much later: the kernel's memory counters are what
 * tests judge.
 */
static void free_table(struct task_table *table)
{
	if (!table)
		return;
	synchronize_rcu_expedited();
	kvfree(table);
}

/*
 * All or nothing. on_new() waits for @lock meanwhile, so a thread that is created just
 * now is in its process's list already, or comes to on_new() afterwards. A task that
 * its pid leads to is not freed within the RCU section, so on_free() is still to come
 * for each task that is added.
 */
static int fill(struct task_set *set, struct task_table *table, const struct named *named, int n)
{
	struct task_table *old = NULL;
	int i, err = 0;

	rcu_read_lock();
	raw_spin_lock_irq(&set->lock);
	for (i = 0; i < n && !err; i++)
		err = add_named(table, &named[i]);
	if (!err) {
		old = set->table;
		/* pairs with READ_ONCE() in task_set_has(), by the address dependency */
		smp_store_release(&set->table, table);
		set->lost = 0;
	}
	raw_spin_unlock_irq(&set->lock);
	rcu_read_unlock();
	free_table(err ? table : old);
	return err;
}

static struct task_table *make_table(unsigned int bits)
{
	struct task_table *table;

	table = kvzalloc(struct_size(table, bucket, 1 << bits), GFP_KERNEL);
	if (table)
		table->bits = bits;
	return table;
}

static int replace(struct task_set *set, const struct named *named, int n)
{
	int tasks = count_tasks(named, n), err = -ENOSPC;
	unsigned int bits = MIN_BITS;
	struct task_table *table;

	if (tasks < 0)
		return tasks;
	/* A quarter of the buckets in use, at first: their children need room, too. */
	while (bits < MAX_BITS && tasks > 1 << (bits - 2))
		bits++;
	for (; bits <= MAX_BITS && err == -ENOSPC; bits++) {
		table = make_table(bits);
		err = table ? fill(set, table, named, n) : -ENOMEM;
	}
	if (err == -ENOSPC)
		pr_err("tasks: no room for %d tasks\n", tasks);
	return err;
}

/**
 * task_set_clear() - name no task
 * @set: the set
 *
 * Callers serialise.
 *
 * Context: may sleep.
 */
void task_set_clear(struct task_set *set)
{
	struct task_table *old;

	raw_spin_lock_irq(&set->lock);
	old = set->table;
	WRITE_ONCE(set->table, NULL);
	set->lost = 0;
	raw_spin_unlock_irq(&set->lock);
	free_table(old);
	follow(set, false);
}

/**
 * task_set_write() - name other tasks
 * @set: the set
 * @text: pids as the writer sees them, "self" for the writer, "process:PID" or
 *	"process:self" for all threads of a process; separated by blanks or commas.
 *	Empty: no task. Is consumed.
 *
 * Callers serialise.
 *
 * Context: may sleep.
 *
 * Return: 0, or with nothing changed -EINVAL, -E2BIG (more than 64 words), -ESRCH (no
 * such task), -ENOSPC (too many tasks), -ENOMEM, or -EOPNOTSUPP (no tracepoints).
 */
int task_set_write(struct task_set *set, char *text)
{
	bool was_followed = set->followed;
	struct named named[MAX_NAMED];
	int n = parse(text, named), err;

	if (n < 0)
		return n;
	if (!n) {
		task_set_clear(set);
		return 0;
	}
	err = follow(set, true);
	if (!err)
		err = replace(set, named, n);
	if (err && !was_followed)
		follow(set, false);
	return err;
}

/* A bucket at a time, for interrupts are off meanwhile. */
static void show_bucket(struct task_set *set, unsigned int index, struct seq_file *seq, bool *first)
{
	pid_t pids[TASK_BUCKET_SIZE];
	struct task_struct *task;
	int i, n = 0;

	raw_spin_lock_irq(&set->lock);	/* keeps on_free() from returning */
	for (i = 0; set->table && index < 1 << set->table->bits && i < TASK_BUCKET_SIZE; i++) {
		task = set->table->bucket[index].task[i];
		pids[n] = task ? task_pid_vnr(task) : 0;
		if (pids[n])	/* 0: dead already */
			n++;
	}
	raw_spin_unlock_irq(&set->lock);
	for (i = 0; i < n; i++) {
		seq_printf(seq, "%s%d", *first ? "" : " ", pids[i]);
		*first = false;
	}
}

/**
 * task_set_show() - print the pids, as the reader sees them
 * @set: the set
 * @seq: where to
 *
 * Callers serialise with task_set_write().
 *
 * Context: may sleep.
 */
void task_set_show(struct task_set *set, struct seq_file *seq)
{
	unsigned int i, n = set->table ? 1 << set->table->bits : 0;
	bool first = true;

	for (i = 0; i < n; i++)
		show_bucket(set, i, seq, &first);
	if (set->lost)
		seq_printf(seq, " (%u children are not followed: the table is full)", set->lost);
	seq_putc(seq, '\n');
}

/**
 * task_set_is_empty() - is no task named, or none of them left
 * @set: the set
 *
 * Context: any.
 */
bool task_set_is_empty(struct task_set *set)
{
	struct task_table *table;
	bool empty;

	rcu_read_lock();
	table = READ_ONCE(set->table);
	empty = !table || !READ_ONCE(table->nr);
	rcu_read_unlock();
	return empty;
}

/**
 * task_set_init() - make an empty set
 * @set: zeroed memory
 */
void task_set_init(struct task_set *set)
{
	raw_spin_lock_init(&set->lock);
}
