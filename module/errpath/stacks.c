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
	struct stack_entry *entry;

	if (stacks->entry)
		return 0;
	entry = vzalloc(array_size(STACKS_MAX, sizeof(*entry)));
	if (!entry)
		return -ENOMEM;
	/* pairs with smp_load_acquire() in stacks_count() */
	smp_store_release(&stacks->entry, entry);
	return 0;
}

/**
 * stacks_disable() - stop recording stacks
 * @stacks: the records
 *
 * Return: memory that the caller frees by vfree() when no handler uses it; or NULL.
 */
struct stack_entry *stacks_disable(struct stacks *stacks)
{
	return xchg(&stacks->entry, NULL);
}

/**
 * stacks_clear() - drop all recorded stacks
 * @stacks: the records; a call that is recorded meanwhile may be counted wrongly
 */
void stacks_clear(struct stacks *stacks)
{
	if (stacks->entry)
		memset(stacks->entry, 0, array_size(STACKS_MAX, sizeof(*stacks->entry)));
	atomic_long_set(&stacks->others, 0);
}

static u32 stack_id(const struct stack *stack, unsigned int n)
{
	return jhash(stack->entry, n * sizeof(*stack->entry), 0) ?: 1;
}

static void stack_entry_fill(struct stack_entry *entry, const char *function,
			     const struct stack *stack, unsigned int n)
{
	entry->function = function;
	memcpy(entry->frame, stack->entry, n * sizeof(*stack->entry));
	/* pairs with smp_load_acquire() in stacks_show() */
	smp_store_release(&entry->n, n);
}

static struct stack_entry *stacks_lookup(struct stacks *stacks, u32 id)
{
	struct stack_entry *entry = READ_ONCE(stacks->entry);
	int i;

	for (i = 0; entry && i < STACKS_MAX && READ_ONCE(entry->id); i++, entry++)
		if (entry->id == id)
			return entry;
	return NULL;
}

/**
 * stacks_count() - record the stack of a call, if stacks are recorded
 * @stacks: the records
 * @function: name of the function that is called
 * @stack: stack of the call
 *
 * Context: any; takes no lock.
 *
 * Return: the id of the stack.
 */
u32 __kprobes stacks_count(struct stacks *stacks, const char *function, struct stack *stack)
{
	/* pairs with smp_store_release() in stacks_enable() */
	struct stack_entry *entry = smp_load_acquire(&stacks->entry);
	unsigned int n;
	u32 id, was;
	int i;

	n = min_t(unsigned int, stack_unwind(stack, STACK_MAX_DEPTH), STACK_MAX_DEPTH);
	id = stack_id(stack, n);
	if (!entry)
		return id;
	for (i = 0; i < STACKS_MAX; i++, entry++) {
		was = READ_ONCE(entry->id) ?: cmpxchg(&entry->id, 0, id);
		if (was && was != id)
			continue;
		if (!was)
			stack_entry_fill(entry, function, stack, n);
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

static void stack_entry_show(struct seq_file *seq, const struct stack_entry *entry, unsigned int n)
{
	unsigned int i;

	seq_printf(seq, "%08x\t%ld\t%ld\t%s", entry->id, atomic_long_read(&entry->seen),
		   atomic_long_read(&entry->injected), entry->function);
	for (i = 0; i < n; i++)
		seq_printf(seq, "\t%pB", (void *)entry->frame[i]);
	seq_putc(seq, '\n');
}

/**
 * stacks_show() - print a line for each stack: id, calls, failures, function, frames
 * @stacks: the records
 * @seq: file to print to; tabs separate the fields, the caller is the first frame
 *
 * Context: may sleep.
 */
void stacks_show(const struct stacks *stacks, struct seq_file *seq)
{
	const struct stack_entry *entry = stacks->entry;
	unsigned int n;
	int i;

	for (i = 0; entry && i < STACKS_MAX && entry->id; i++, entry++) {
		/* pairs with smp_store_release() in stack_entry_fill() */
		n = smp_load_acquire(&entry->n);
		if (n)
			stack_entry_show(seq, entry, n);
	}
	if (atomic_long_read(&stacks->others))
		seq_printf(seq, "others\t%ld\n", atomic_long_read(&stacks->others));
}

static int targets_parse_word(struct targets *targets, char *word)
{
	char *id = strsep(&word, ":");
	unsigned long occurrence = 1;
	u32 value;

	if (targets->nr == TARGETS_MAX)
		return -EINVAL;
	/* kstrtou32() and kstrtoul() also accept a sign. */
	if (!isxdigit(*id) || kstrtou32(id, 16, &value) || !value)
		return -EINVAL;
	if (word && (!isdigit(*word) || kstrtoul(word, 10, &occurrence) || !occurrence))
		return -EINVAL;
	targets->at[targets->nr].id = value;
	targets->at[targets->nr].occurrence = occurrence;
	atomic_long_set(&targets->at[targets->nr++].left, occurrence);
	return 0;
}

/**
 * targets_parse() - set the calls that fail
 * @targets: targets of a point, which may be armed; calls during the change do not fail
 * @text: ID or ID:OCCURRENCE, with IDs as the knob stacks prints them, separated by
 *	blanks or commas; empty: any call. It is consumed.
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
	for (i = 0; i < fresh.nr; i++) {
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
		seq_printf(seq, "%s%08x:%lu", i ? " " : "", targets->at[i].id,
			   targets->at[i].occurrence);
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
	bool is_target = false;
	int i;

	for (i = 0; i < READ_ONCE(targets->nr); i++) {
		/* pairs with smp_store_release() in targets_parse() */
		if (smp_load_acquire(&targets->at[i].id) == id)
			is_target |= !atomic_long_dec_return(&targets->at[i].left);
	}
	return is_target;
}
