// SPDX-License-Identifier: GPL-2.0
/*
 * Calls identified by their stack: the knob stacks records the distinct stacks, and the
 * knob targets selects the stacks whose calls fail. When an operation is repeated, its
 * n-th call can be a different one; a stack identifies the same call again.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "stacks.h"

/**
 * stacks_enable() - start to record stacks
 * @stacks: the records
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int stacks_enable(struct stacks *stacks)
{
	struct stack_table *table;

	if (stacks->table)
		return 0;
	table = vzalloc(sizeof(*table));
	if (!table)
		return -ENOMEM;
	/* pairs with smp_load_acquire() in stacks_count() */
	smp_store_release(&stacks->table, table);
	return 0;
}

/**
 * stacks_disable() - stop recording stacks
 * @stacks: the records
 *
 * Return: memory that the caller frees by vfree() when no handler uses it; or NULL.
 */
struct stack_table *stacks_disable(struct stacks *stacks)
{
	return xchg(&stacks->table, NULL);
}

/**
 * stacks_clear() - drop all recorded stacks
 * @stacks: the records; a call that is recorded meanwhile may be counted wrongly
 */
void stacks_clear(struct stacks *stacks)
{
	if (stacks->table)
		memset(stacks->table, 0, sizeof(*stacks->table));
	atomic_long_set(&stacks->others, 0);
}

/* Write what %pB prints of a frame. Return its length. */
static int frame_name(char name[STACK_NAME_SIZE], unsigned long frame)
{
	return scnprintf(name, STACK_NAME_SIZE, "%pB", (void *)frame);
}

/* By names in modules, as a module that is loaded again can be at other addresses. */
static u32 stack_id(const struct stack *stack, unsigned int n)
{
	char name[STACK_NAME_SIZE];
	u32 hash = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (arch_is_module_text(stack->entry[i]))
			hash = jhash(name, frame_name(name, stack->entry[i]), hash);
		else
			hash = jhash(&stack->entry[i], sizeof(stack->entry[i]), hash);
	}
	return hash ?: 1;
}

/* Return the index of a frame's name, plus 1; 0: the table is full. */
static u16 stack_table_name(struct stack_table *table, unsigned long frame)
{
	char name[STACK_NAME_SIZE];
	int i, nr = min(atomic_read(&table->nr_names), STACK_NAMES_MAX);

	frame_name(name, frame);
	/* A name that is just being written is not found, and written twice. */
	for (i = 0; i < nr; i++)
		if (!strcmp(table->name[i], name))
			return i + 1;
	i = atomic_fetch_inc(&table->nr_names);
	if (i >= STACK_NAMES_MAX)
		return 0;
	strscpy(table->name[i], name, sizeof(table->name[i]));
	return i + 1;
}

/* The caller has set @function and @request of @entry. */
static void stack_entry_fill(struct stack_table *table, struct stack_entry *entry,
			     const struct stack *stack, unsigned int n)
{
	unsigned int i;

	memcpy(entry->frame, stack->entry, n * sizeof(*stack->entry));
	for (i = 0; i < n; i++)
		if (arch_is_module_text(entry->frame[i]))
			entry->name[i] = stack_table_name(table, entry->frame[i]);
	/* pairs with smp_load_acquire() in stacks_show() */
	smp_store_release(&entry->n, n);
}

static struct stack_entry *stacks_lookup(struct stacks *stacks, u32 id)
{
	struct stack_table *table = READ_ONCE(stacks->table);
	int i;

	for (i = 0; table && i < STACKS_MAX && READ_ONCE(table->entry[i].id); i++)
		if (table->entry[i].id == id)
			return &table->entry[i];
	return NULL;
}

/**
 * stacks_count() - record the stack of a call, if stacks are recorded
 * @stacks: the records
 * @function: name of the function that is called
 * @args: arguments of the function that hold its request
 * @regs: the registers at the function's entry
 * @stack: stack of the call
 *
 * Context: any; takes no lock.
 *
 * Return: the id of the stack.
 */
u32 __kprobes stacks_count(struct stacks *stacks, const char *function,
			   const struct request_args *args, struct arch_regs *regs,
			   struct stack *stack)
{
	/* pairs with smp_store_release() in stacks_enable() */
	struct stack_table *table = smp_load_acquire(&stacks->table);
	struct stack_entry *entry;
	unsigned int n;
	u32 id, was;
	int i;

	n = min_t(unsigned int, stack_unwind(stack, STACK_MAX_DEPTH), STACK_MAX_DEPTH);
	id = stack_id(stack, n);
	if (!table)
		return id;
	for (i = 0; i < STACKS_MAX; i++) {
		entry = &table->entry[i];
		was = READ_ONCE(entry->id) ?: cmpxchg(&entry->id, 0, id);
		if (was && was != id)
			continue;
		if (!was) {
			entry->function = function;
			request_read(args, regs, &entry->request);
			stack_entry_fill(table, entry, stack, n);
		}
		atomic_long_inc(&entry->seen);
		return id;
	}
	atomic_long_inc(&stacks->others);
	return id;
}

/**
 * stacks_injected() - count a failed call
 * @stacks: the records
 * @id: id of the call's stack
 *
 * Context: any; takes no lock.
 */
void __kprobes stacks_injected(struct stacks *stacks, u32 id)
{
	struct stack_entry *entry = stacks_lookup(stacks, id);

	if (entry)
		atomic_long_inc(&entry->injected);
}

static void stack_entry_show(struct seq_file *seq, const struct stack_table *table,
			     const struct stack_entry *entry, unsigned int n)
{
	unsigned int i;

	seq_printf(seq, "%08x\t%ld\t%ld\t", entry->id, atomic_long_read(&entry->seen),
		   atomic_long_read(&entry->injected));
	request_show(&entry->request, seq);
	seq_printf(seq, "\t%s", entry->function);
	for (i = 0; i < n; i++) {
		if (entry->name[i])
			seq_printf(seq, "\t%s", table->name[entry->name[i] - 1]);
		else
			seq_printf(seq, "\t%pB", (void *)entry->frame[i]);
	}
	seq_putc(seq, '\n');
}

/**
 * stacks_show() - print a line for each stack: id, calls, failures, request, function, frames
 * @stacks: the records
 * @seq: file to print to; tabs separate the fields, the caller is the first frame
 *
 * Context: may sleep.
 */
void stacks_show(const struct stacks *stacks, struct seq_file *seq)
{
	const struct stack_table *table = stacks->table;
	unsigned int n;
	int i;

	for (i = 0; table && i < STACKS_MAX && table->entry[i].id; i++) {
		/* pairs with smp_store_release() in stack_entry_fill() */
		n = smp_load_acquire(&table->entry[i].n);
		if (n)
			stack_entry_show(seq, table, &table->entry[i], n);
	}
	if (atomic_long_read(&stacks->others))
		seq_printf(seq, "others\t%ld\n", atomic_long_read(&stacks->others));
}

static int targets_parse_word(struct targets *targets, char *word)
{
	size_t length = strlen(word);
	bool persistent = length && word[length - 1] == '+';
	unsigned long occurrence = 1;
	char *id;
	u32 value;

	if (persistent)
		word[length - 1] = '\0';
	id = strsep(&word, ":");

	if (targets->nr == TARGETS_MAX)
		return -EINVAL;
	/* kstrtou32() and kstrtoul() also accept a sign. */
	if (!isxdigit(*id) || kstrtou32(id, 16, &value) || !value)
		return -EINVAL;
	if (word && (!isdigit(*word) || kstrtoul(word, 10, &occurrence) || !occurrence))
		return -EINVAL;
	targets->at[targets->nr].id = value;
	targets->at[targets->nr].persistent = persistent;
	targets->at[targets->nr].occurrence = occurrence;
	atomic_long_set(&targets->at[targets->nr++].left, occurrence);
	return 0;
}

/**
 * targets_parse() - set the calls that fail
 * @targets: targets of a point, which may be armed; calls during the change do not fail
 * @text: ID or ID:OCCURRENCE, with IDs as the knob stacks prints them, separated by
 *	blanks or commas; with a + behind it, all calls after that one fail, too. Empty: any call.
 *	It is consumed.
 *
 * Return: 0, or with nothing changed -EINVAL (not such a list, or more than TARGETS_MAX).
 */
int targets_parse(struct targets *targets, char *text)
{
	struct targets fresh = {};
	char *word;
	int i, err;

	while ((word = strsep(&text, " ,\t\n"))) {
		err = *word ? targets_parse_word(&fresh, word) : 0;
		if (err)
			return err;
	}
	for (i = 0; i < targets->nr; i++)
		WRITE_ONCE(targets->at[i].id, 0);
	/* A handler that still runs must not let calls fail that come after the change. */
	WRITE_ONCE(targets->generation, targets->generation + 1);
	for (i = 0; i < fresh.nr; i++) {
		targets->at[i].persistent = fresh.at[i].persistent;
		targets->at[i].occurrence = fresh.at[i].occurrence;
		atomic_long_set(&targets->at[i].left, fresh.at[i].occurrence);
		/* pairs with smp_load_acquire() in targets_match() */
		smp_store_release(&targets->at[i].id, fresh.at[i].id);
	}
	WRITE_ONCE(targets->nr, fresh.nr);
	return 0;
}

/**
 * targets_show() - print the targets, in the form in which they are written
 * @targets: targets of a point
 * @seq: file to print to
 */
void targets_show(const struct targets *targets, struct seq_file *seq)
{
	int i;

	for (i = 0; i < targets->nr; i++)
		seq_printf(seq, "%s%08x:%lu%s", i ? " " : "", targets->at[i].id,
			   targets->at[i].occurrence, targets->at[i].persistent ? "+" : "");
	seq_putc(seq, '\n');
}

/**
 * targets_match() - test whether a call is a target
 * @targets: targets of a point, at least one
 * @id: id of the call's stack
 *
 * Context: any; takes no lock.
 */
bool __kprobes targets_match(struct targets *targets, u32 id)
{
	unsigned int generation = READ_ONCE(targets->generation);
	bool is_target = false;
	int i;

	/* Generations of written targets begin with 1. */
	if (generation && READ_ONCE(targets->reached) == generation)
		return true;
	for (i = 0; i < READ_ONCE(targets->nr); i++) {
		/* pairs with smp_store_release() in targets_parse() */
		if (smp_load_acquire(&targets->at[i].id) != id ||
		    atomic_long_dec_return(&targets->at[i].left))
			continue;
		is_target = true;
		if (READ_ONCE(targets->at[i].persistent))
			WRITE_ONCE(targets->reached, generation);
	}
	return is_target;
}
