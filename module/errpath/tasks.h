/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_TASKS_H
#define ERRPATH_TASKS_H

#include <linux/hash.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

struct seq_file;

#define TASK_BUCKET_BITS	8
#define TASK_BUCKET_SIZE	7	/* with @used one cache line */

struct task_bucket {
	unsigned long used;	/* of @task, so that most strangers cost one look */
	struct task_struct *task[TASK_BUCKET_SIZE];
};

/**
 * struct task_set - the tasks that a point may fail
 * @buckets: NULL while nobody was ever named
 * @lock: for changes; look-ups need none
 * @lost: children that found no room
 */
struct task_set {
	/* private: */
	struct task_bucket *buckets;
	raw_spinlock_t lock;
	unsigned int lost;
	bool followed;
	struct list_head list;
};

void task_set_init(struct task_set *set);
int task_set_write(struct task_set *set, char *text);
void task_set_clear(struct task_set *set);
void task_set_show(struct task_set *set, struct seq_file *seq);
void task_set_free(struct task_set *set);

/* Any context, NMI included. */
static __always_inline bool task_set_has(const struct task_set *set, const struct task_struct *task)
{
	const struct task_bucket *bucket = READ_ONCE(set->buckets);
	int i;

	if (!bucket)
		return false;
	bucket += hash_ptr(task, TASK_BUCKET_BITS);
	if (likely(!READ_ONCE(bucket->used)))
		return false;
	for (i = 0; i < TASK_BUCKET_SIZE; i++)
		if (READ_ONCE(bucket->task[i]) == task)
			return true;
	return false;
}

#endif /* ERRPATH_TASKS_H */
