/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_STACKS_H
#define ERRPATH_STACKS_H

#include <linux/atomic.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include "filter.h"
#include "request.h"

#define STACKS_MAX	512
#define STACK_NAMES_MAX	512
#define STACK_NAME_SIZE	128
#define TARGETS_MAX	8

/**
 * struct stack_entry - one distinct stack
 * @id: hash of the stack; 0: the entry is unused
 * @function: name of the function that was called
 * @seen: number of calls with this stack
 * @injected: number of failed calls with this stack
 * @request: request of the first call with this stack
 * @n: number of frames in @frame; 0: not written yet
 * @frame: return addresses, from the caller upwards
 * @name: of a frame that is in a module: its index in the table's @name, plus 1; otherwise 0
 */
struct stack_entry {
	u32 id;
	const char *function;
	atomic_long_t seen;
	atomic_long_t injected;
	struct request_seen request;
	unsigned int n;
	unsigned long frame[STACK_MAX_DEPTH];
	u16 name[STACK_MAX_DEPTH];
};

/**
 * struct stack_table - the memory for distinct stacks
 * @entry: the stacks, in the order of their first call
 * @nr_names: number of entries of @name that were taken; may be more than there are
 * @name: frames in modules, as they are printed: when the stacks are read, the module can be gone,
 *	and the names of its init functions are
 */
struct stack_table {
	struct stack_entry entry[STACKS_MAX];
	atomic_t nr_names;
	char name[STACK_NAMES_MAX][STACK_NAME_SIZE];
};

/**
 * struct stacks - the distinct stacks of the calls that passed a point's filters
 * @table: the stacks; NULL: stacks are not recorded
 * @others: number of calls with other stacks, when @table is full
 */
struct stacks {
	struct stack_table *table;
	atomic_long_t others;
};

/**
 * struct targets - the calls that fail, identified by their stack
 * @nr: number of used entries of @at; 0: any call
 * @generation: changes with each write of the targets
 * @reached: the generation in which a call was a persistent target: all calls after it fail
 * @at: id of the stack, which call with that stack fails, and calls that are left until then;
 *	persistent: all calls after that one fail, too
 */
struct targets {
	unsigned int nr;
	unsigned int generation;
	unsigned int reached;
	struct {
		u32 id;
		bool persistent;
		unsigned long occurrence;
		atomic_long_t left;
	} at[TARGETS_MAX];
};

int stacks_enable(struct stacks *stacks);
struct stack_table *stacks_disable(struct stacks *stacks);
void stacks_clear(struct stacks *stacks);
void stacks_show(const struct stacks *stacks, struct seq_file *seq);
u32 stacks_count(struct stacks *stacks, const char *function, const struct request_args *args,
		 struct arch_regs *regs, struct stack *stack);
void stacks_injected(struct stacks *stacks, u32 id);

int targets_parse(struct targets *targets, char *text);
void targets_show(const struct targets *targets, struct seq_file *seq);
bool targets_match(struct targets *targets, u32 id);

#endif /* ERRPATH_STACKS_H */
