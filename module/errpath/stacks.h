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
 * @id: hash of the stack; 0: the entry is unused
 * @function: name of the function that was called
 * @seen: number of calls with this stack
 * @injected: number of failed calls with this stack
 * @n: number of frames in @frame; 0: not written yet
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
 * struct stacks - the distinct stacks of the calls that passed a point's filters
 * @entry: the stacks, in the order of their first call; NULL: stacks are not recorded
 * @others: number of calls with other stacks, when @entry is full
 */
struct stacks {
	struct stack_entry *entry;
	atomic_long_t others;
};

/**
 * struct targets - the calls that fail, identified by their stack
 * @nr: number of used entries of @at; 0: any call
 * @at: id of the stack, which call with that stack fails, and calls that are left until then
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
