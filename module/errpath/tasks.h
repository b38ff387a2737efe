/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_TASKS_H
#define ERRPATH_TASKS_H

#include <linux/hash.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

struct seq_file;

#define TASK_BUCKET_SIZE	7	/* with @used one cache line */

struct task_bucket {
	unsigned long used;	/* entries of @task; 0 for most tasks, which need no more */
	struct task_struct *task[TASK_BUCKET_SIZE];
};

/* A hash table of tasks, with 1 << @bits buckets; @shift: 64 - @bits. Freed under RCU. */
struct task_table {
	unsigned int bits;
	unsigned int shift;
	unsigned int nr;
	struct task_bucket bucket[];
};

#define TASK_MAYBE_BITS		8

/**
 * struct task_set - the tasks whose calls a point may fail
 * @maybe: number of tasks in the set by a hash of their address: most tasks that are not in
 *	the set are recognised by a 0 here, without the table
 * @table: the tasks; NULL: none
 * @lock: taken for changes; look-ups need no lock
 * @dropped: children that were not added, because the table was full
 * @followed: the set is in the list that the tracepoints update
 * @list: entry of that list
 */
struct task_set {
	/* private: */
	unsigned int maybe[1 << TASK_MAYBE_BITS];
	struct task_table *table;
	raw_spinlock_t lock;
	unsigned int dropped;
	bool followed;
	struct list_head list;
};

void task_set_init(struct task_set *set);
int task_set_write(struct task_set *set, char *text);
void task_set_clear(struct task_set *set);
void task_set_show(struct task_set *set, struct seq_file *seq);
bool task_set_is_empty(struct task_set *set);

/* Return the index of the bucket that a task belongs to: hash_ptr() in fewer instructions. */
static __always_inline unsigned long task_bucket_index(const struct task_table *table,
						       const struct task_struct *task)
{
	return (unsigned long)task * GOLDEN_RATIO_64 >> table->shift;
}

static __always_inline bool task_table_has(const struct task_table *table,
					   const struct task_struct *task)
{
	const struct task_bucket *bucket = &table->bucket[task_bucket_index(table, task)];
	int i;

	if (likely(!READ_ONCE(bucket->used)))
		return false;
	for (i = 0; i < TASK_BUCKET_SIZE; i++)
		if (READ_ONCE(bucket->task[i]) == task)
			return true;
	return false;
}

/* False: the set does not have the task. Any context, NMI included. */
static __always_inline bool task_set_may_have(const struct task_set *set,
					      const struct task_struct *task)
{
	return READ_ONCE(set->maybe[hash_ptr(task, TASK_MAYBE_BITS)]);
}

/* Context: any, NMI included, but preemption is disabled. */
static __always_inline bool task_set_has(const struct task_set *set, const struct task_struct *task)
{
	const struct task_table *table = READ_ONCE(set->table);

	return table && task_table_has(table, task);
}

#endif /* ERRPATH_TASKS_H */
