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

/* A hash table of tasks, with 1 << @bits buckets. Freed under RCU. */
struct task_table {
	unsigned int bits;
	unsigned int nr;
	struct task_bucket bucket[];
};

/**
 * struct task_set - the tasks whose calls a point may fail
 * @table: the tasks; NULL: none
 * @lock: taken for changes; look-ups need no lock
 * @dropped: children that were not added, because the table was full
 * @followed: the set is in the list that the tracepoints update
 * @list: entry of that list
 */
struct task_set {
	/* private: */
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

static __always_inline bool task_table_has(const struct task_table *table,
					   const struct task_struct *task)
{
	const struct task_bucket *bucket = &table->bucket[hash_ptr(task, table->bits)];
	int i;

	if (likely(!READ_ONCE(bucket->used)))
		return false;
	for (i = 0; i < TASK_BUCKET_SIZE; i++)
		if (READ_ONCE(bucket->task[i]) == task)
			return true;
	return false;
}

/* Context: any, NMI included, but preemption is disabled. */
static __always_inline bool task_set_has(const struct task_set *set, const struct task_struct *task)
{
	const struct task_table *table = READ_ONCE(set->table);

	return table && task_table_has(table, task);
}

#endif /* ERRPATH_TASKS_H */
