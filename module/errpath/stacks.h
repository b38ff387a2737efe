/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_STACKS_H
#define ERRPATH_STACKS_H

#include <linux/atomic.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include "filter.h"

#define STACKS_MAX	512
#define TARGETS_MAX	8

/**
 * struct stack_entry - one distinct stack
 * @id: names it, 0: free
 * @function: the function that was called
 * @seen: calls with this stack
 * @injected: of them, how many failed
 * @n: frames in @frame; 0: not written yet
 * @frame: return addresses, from the caller upwards
 */
struct stack_entry {
	u32 id;
	const char *function;
	atomic_long_t seen;
	atomic_long_t injected;
	unsigned int n;
	unsigned long frame[STACK_MAX_DEPTH];
};

/**
 * struct stacks - the distinct stacks of the calls that passed a point's filters,
 *	in the order of their first call
 * @entry: NULL: not wanted
 * @others: calls with yet other stacks, once @entry is full
 */
struct stacks {
	struct stack_entry *entry;
	atomic_long_t others;
};

/**
 * struct targets - calls to be failed, told by their stack
 * @nr: how many of @at are in use; 0: any call
 * @at: of each the stack and how many calls with it go before
 */
struct targets {
	unsigned int nr;
	struct {
		u32 id;
		unsigned long occurrence;
		atomic_long_t left;
	} at[TARGETS_MAX];
};

int stacks_enable(struct stacks *stacks);
struct stack_entry *stacks_disable(struct stacks *stacks);
void stacks_clear(struct stacks *stacks);
void stacks_show(const struct stacks *stacks, struct seq_file *seq);
u32 stacks_count(struct stacks *stacks, const char *function, struct stack *stack);
void stacks_injected(struct stacks *stacks, u32 id);

int targets_parse(struct targets *targets, char *text);
void targets_show(const struct targets *targets, struct seq_file *seq);
bool targets_match(struct targets *targets, u32 id);

#endif /* ERRPATH_STACKS_H */
