// SPDX-License-Identifier: GPL-2.0
/*
 * The tasks whose calls a point may fail. As with make-it-fail, each task that a task of
 * the set creates joins the set, and stays when its parent has exited: children, threads,
 * io_uring workers, vhost tasks. A task leaves the set just before its task_struct can be
 * reused.
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

#define MAX_WORDS	64
#define MIN_BITS	8
#define MAX_BITS	14

/* The sets that have had a task: the functions of the tracepoints update each of them. */
static LIST_HEAD(followed_sets);
static DEFINE_RAW_SPINLOCK(followed_lock);
static DEFINE_MUTEX(follow_mutex);

static struct tracepoint *new_tracepoint, *free_tracepoint;

/* Replace @old by @new in the bucket of @task. False: the bucket does not have @old. */
static bool table_replace(struct task_table *table, struct task_struct *task,
			  struct task_struct *old, struct task_struct *new)
{
	struct task_bucket *bucket = &table->bucket[task_bucket_index(table, task)];
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

static bool table_add(struct task_table *table, struct task_struct *task)
{
	return task_table_has(table, task) || table_replace(table, task, NULL, task);
}

/* The caller holds @lock. */
static void maybe_count(struct task_set *set, const struct task_struct *task, int change)
{
	unsigned int *count = &set->maybe[hash_ptr(task, TASK_MAYBE_BITS)];

	WRITE_ONCE(*count, *count + change);
}

/* Count all tasks of a table. The caller holds @lock. */
static void maybe_count_table(struct task_set *set, const struct task_table *table, int change)
{
	const struct task_bucket *bucket;
	int i;

	for (bucket = table->bucket; bucket < table->bucket + (1 << table->bits); bucket++)
		for (i = 0; bucket->used && i < TASK_BUCKET_SIZE; i++)
			if (bucket->task[i])
				maybe_count(set, bucket->task[i], change);
}

/* The caller holds @lock. */
static bool task_set_add(struct task_set *set, struct task_struct *task)
{
	if (task_table_has(set->table, task))
		return true;
	if (!table_replace(set->table, task, NULL, task))
		return false;
	maybe_count(set, task, 1);
	return true;
}

/* The caller holds @lock. */
static void task_set_remove(struct task_set *set, struct task_struct *task)
{
	if (task_set_has(set, task) && table_replace(set->table, task, task, NULL))
		maybe_count(set, task, -1);
}

/* Publish another table, or none. Return the old one. The caller holds @lock. */
static struct task_table *task_set_publish(struct task_set *set, struct task_table *table)
{
	struct task_table *old = set->table;

	/* A look-up must find a task of either table in @maybe. */
	if (table)
		maybe_count_table(set, table, 1);
	/* pairs with READ_ONCE() in task_set_has(), by the address dependency */
	smp_store_release(&set->table, table);
	if (old)
		maybe_count_table(set, old, -1);
	set->dropped = 0;
	return old;
}

/* Called by the task that creates @child, before @child runs. */
static void tasks_on_newtask(void *data, struct task_struct *child, unsigned long clone_flags)
{
	struct task_set *set;
	unsigned long flags;

	raw_spin_lock_irqsave(&followed_lock, flags);
	list_for_each_entry(set, &followed_sets, list) {
		raw_spin_lock(&set->lock);
		if (task_set_has(set, current) && !task_set_add(set, child))
			set->dropped++;
		raw_spin_unlock(&set->lock);
	}
	raw_spin_unlock_irqrestore(&followed_lock, flags);
}

static void tasks_on_free(void *data, struct task_struct *task)
{
	struct task_set *set;
	unsigned long flags;

	raw_spin_lock_irqsave(&followed_lock, flags);
	list_for_each_entry(set, &followed_sets, list) {
		raw_spin_lock(&set->lock);
		task_set_remove(set, task);
		raw_spin_unlock(&set->lock);
	}
	raw_spin_unlock_irqrestore(&followed_lock, flags);
}

/* These tracepoints are not exported, but for_each_kernel_tracepoint() finds them. */
static void tasks_find_tracepoint(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "task_newtask"))
		new_tracepoint = tp;
	else if (!strcmp(tp->name, "sched_process_free"))
		free_tracepoint = tp;
}

static int start_following(void)
{
	int err;

	for_each_kernel_tracepoint(tasks_find_tracepoint, NULL);
	if (!new_tracepoint || !free_tracepoint) {
		pr_err("tasks: this kernel lacks the tracepoints task_newtask and sched_process_free: set CONFIG_TRACEPOINTS\n");
		return -EOPNOTSUPP;
	}
	err = tracepoint_probe_register(free_tracepoint, tasks_on_free, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(new_tracepoint, tasks_on_newtask, NULL);
	if (err)
		tracepoint_probe_unregister(free_tracepoint, tasks_on_free, NULL);
	return err;
}

static void stop_following(void)
{
	tracepoint_probe_unregister(new_tracepoint, tasks_on_newtask, NULL);
	tracepoint_probe_unregister(free_tracepoint, tasks_on_free, NULL);
	tracepoint_synchronize_unregister();
}

static int task_set_follow(struct task_set *set, bool on)
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

/* One word of the knob tasks. */
struct tasks_word {
	pid_t pid;
	bool process;	/* all threads of the process */
};

static int tasks_parse_word(const char *text, struct tasks_word *word)
{
	static const char prefix[] = "process:";

	word->process = str_has_prefix(text, prefix);
	if (word->process)
		text += strlen(prefix);
	if (!strcmp(text, "self")) {
		word->pid = task_pid_vnr(current);
		return 0;
	}
	/* kstrtoint() also accepts a sign. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	return kstrtoint(text, 10, &word->pid) || !word->pid ? -EINVAL : 0;
}

static int tasks_parse(char *text, struct tasks_word words[MAX_WORDS])
{
	char *word;
	int n = 0;

	while ((word = strsep(&text, " ,\t\n"))) {
		if (!*word)
			continue;
		if (n == MAX_WORDS)
			return -E2BIG;
		if (tasks_parse_word(word, &words[n++]))
			return -EINVAL;
	}
	return n;
}

/* The caller holds rcu_read_lock(). */
static struct task_struct *task_by_pid(pid_t nr)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = pid_task(pid, PIDTYPE_PID);

	put_pid(pid);
	return task;
}

/* Count the named tasks, to choose the size of a table. -ESRCH: a pid has no task. */
static int tasks_count(const struct tasks_word *words, int n)
{
	struct task_struct *task;
	int i, sum = 0;

	rcu_read_lock();
	for (i = 0; i < n && sum >= 0; i++) {
		task = task_by_pid(words[i].pid);
		if (!task)
			sum = -ESRCH;
		else
			sum += words[i].process ? get_nr_threads(task) : 1;
	}
	rcu_read_unlock();
	return sum;
}

static int table_add_word(struct task_table *table, const struct tasks_word *word)
{
	struct task_struct *leader = task_by_pid(word->pid), *task;

	if (!leader)
		return -ESRCH;
	if (!word->process)
		return table_add(table, leader) ? 0 : -ENOSPC;
	for_each_thread(leader, task)
		if (!table_add(table, task))
			return -ENOSPC;
	return 0;
}

/* Not by kvfree_rcu(), which frees much later: tests compare the kernel's memory counters. */
static void table_free(struct task_table *table)
{
	if (!table)
		return;
	synchronize_rcu_expedited();
	kvfree(table);
}

/*
 * Add all named tasks to @table and publish it, or do nothing. tasks_on_newtask() waits for
 * @lock meanwhile: a thread that is being created is already in the list of its process,
 * or tasks_on_newtask() adds it afterwards. A task that is found by its pid is not freed
 * within the RCU section, so tasks_on_free() is called later for each task that is added.
 */
static int task_set_fill(struct task_set *set, struct task_table *table,
			 const struct tasks_word *words, int n)
{
	struct task_table *old = NULL;
	int i, err = 0;

	rcu_read_lock();
	raw_spin_lock_irq(&set->lock);
	for (i = 0; i < n && !err; i++)
		err = table_add_word(table, &words[i]);
	if (!err)
		old = task_set_publish(set, table);
	raw_spin_unlock_irq(&set->lock);
	rcu_read_unlock();
	table_free(err ? table : old);
	return err;
}

static struct task_table *table_alloc(unsigned int bits)
{
	struct task_table *table;

	table = kvzalloc(struct_size(table, bucket, 1 << bits), GFP_KERNEL);
	if (!table)
		return NULL;
	table->bits = bits;
	table->shift = BITS_PER_LONG - bits;
	return table;
}

static int task_set_replace(struct task_set *set, const struct tasks_word *words, int n)
{
	int tasks = tasks_count(words, n), err = -ENOSPC;
	unsigned int bits = MIN_BITS;
	struct task_table *table;

	if (tasks < 0)
		return tasks;
	/* At first a quarter of the buckets is used: the tasks' children need buckets, too. */
	while (bits < MAX_BITS && tasks > 1 << (bits - 2))
		bits++;
	for (; bits <= MAX_BITS && err == -ENOSPC; bits++) {
		table = table_alloc(bits);
		err = table ? task_set_fill(set, table, words, n) : -ENOMEM;
	}
	if (err == -ENOSPC)
		pr_err("tasks: %d tasks do not fit in the table: name fewer\n", tasks);
	return err;
}

/**
 * task_set_clear() - remove all tasks from the set
 * @set: the set
 *
 * Calls for one set must not run concurrently.
 *
 * Context: may sleep.
 */
void task_set_clear(struct task_set *set)
{
	struct task_table *old;

	raw_spin_lock_irq(&set->lock);
	old = task_set_publish(set, NULL);
	raw_spin_unlock_irq(&set->lock);
	table_free(old);
	task_set_follow(set, false);
}

/**
 * task_set_write() - replace the tasks of the set
 * @set: the set
 * @text: pids in the writer's pid namespace, "self" for the writer, "process:PID" or
 *	"process:self" for all threads of a process; separated by blanks or commas.
 *	Empty: no task. It is consumed.
 *
 * Calls for one set must not run concurrently.
 *
 * Context: may sleep.
 *
 * Return: 0, or with nothing changed -EINVAL, -E2BIG (more than 64 words), -ESRCH (no
 * such task), -ENOSPC (too many tasks), -ENOMEM, or -EOPNOTSUPP (no tracepoints).
 */
int task_set_write(struct task_set *set, char *text)
{
	bool was_followed = set->followed;
	struct tasks_word words[MAX_WORDS];
	int n = tasks_parse(text, words), err;

	if (n < 0)
		return n;
	if (!n) {
		task_set_clear(set);
		return 0;
	}
	err = task_set_follow(set, true);
	if (!err)
		err = task_set_replace(set, words, n);
	if (err && !was_followed)
		task_set_follow(set, false);
	return err;
}

/* Show one bucket; interrupts are disabled only for that long. */
static void task_set_show_bucket(struct task_set *set, unsigned int index, struct seq_file *seq,
				 bool *first)
{
	pid_t pids[TASK_BUCKET_SIZE];
	struct task_struct *task;
	int i, n = 0;

	raw_spin_lock_irq(&set->lock);	/* no task is freed: tasks_on_free() waits */
	for (i = 0; set->table && index < 1 << set->table->bits && i < TASK_BUCKET_SIZE; i++) {
		task = set->table->bucket[index].task[i];
		pids[n] = task ? task_pid_vnr(task) : 0;
		if (pids[n])	/* 0: the task has exited */
			n++;
	}
	raw_spin_unlock_irq(&set->lock);
	for (i = 0; i < n; i++) {
		seq_printf(seq, "%s%d", *first ? "" : " ", pids[i]);
		*first = false;
	}
}

/**
 * task_set_show() - print the pids, in the reader's pid namespace
 * @set: the set
 * @seq: file to print to
 *
 * Must not run concurrently with task_set_write().
 *
 * Context: may sleep.
 */
void task_set_show(struct task_set *set, struct seq_file *seq)
{
	unsigned int i, n = set->table ? 1 << set->table->bits : 0;
	bool first = true;

	for (i = 0; i < n; i++)
		task_set_show_bucket(set, i, seq, &first);
	if (set->dropped)
		seq_printf(seq, " (%u children are not followed: the table is full)", set->dropped);
	seq_putc(seq, '\n');
}

/**
 * task_set_is_empty() - test whether the set has no task, or all have exited
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
 * task_set_init() - initialise an empty set
 * @set: zeroed memory
 */
void task_set_init(struct task_set *set)
{
	raw_spin_lock_init(&set->lock);
}
