// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_scope: calls of errpath_target() below some functions and beside them, for tests
 * of stack:NAME. The module knows of each call whether the function was on the stack, and
 * compares that with whether the call failed.
 *
 * A write of "COUNT traced|notrace FUNCTION WAY" to debugfs errpath_scope/call makes COUNT
 * calls. FUNCTION is above, above_notrace or above_unprobed; errpath_scope_ and that word is
 * the function's name. WAY is
 *   inside   below the function
 *   outside  not below it
 *   random   in turn below it, beside it, nested, and from interrupts, in no order
 *   wait     outside; then wait inside the function for a write to errpath_scope/go; then inside,
 *            then outside
 * A read of the same open file returns the number of calls, how many of them were inside, and
 * how many failed outside or did not fail inside. A read of errpath_scope/go returns how many
 * tasks wait. A fatal signal to the writer ends the calls.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "errpath_target.h"
#include "order.h"

/* Limits the frames: the walk of a stack sees 32 of them. */
#define MAX_NESTED	4
#define MAX_CALLS	10000000

/**
 * struct walk - the calls that one open file makes
 * @lock: held while calls are made or reported
 * @function: function that is called
 * @above: calls @next, below the function of the scope
 * @next: what @above calls
 * @inside: number of calls of the function that @above stands for, on the stack
 * @nested: number of nested steps
 * @count: number of calls to make
 * @made: number of calls
 * @made_inside: number of calls below the function
 * @wrong: number of calls that failed outside or did not fail inside
 * @random: random numbers, the same each time
 * @irq: makes one call from an interrupt
 */
struct walk {
	struct mutex lock;	/* one writer or reader at a time */
	int (*function)(int x);
	void (*above)(struct walk *walk);
	void (*next)(struct walk *walk);
	unsigned int inside;
	unsigned int nested;
	u64 count;
	u64 made;
	u64 made_inside;
	u64 wrong;
	struct rnd_state random;
	struct irq_work irq;
};

static DECLARE_WAIT_QUEUE_HEAD(waiters);

static atomic_t waiting;
static atomic_t turn;

/* barrier() after a call: it must not become a jump, which would leave the stack. */

static noinline void call_once(struct walk *walk)
{
	bool failed = walk->function(0);

	walk->made++;
	walk->made_inside += !!walk->inside;
	walk->wrong += failed != !!walk->inside;
}

/* @n: different, so that the compiler does not make one function of several. */
static __always_inline void go_inside(struct walk *walk, int n)
{
	asm volatile("# function %0" : : "i" (n));
	walk->inside++;
	walk->next(walk);
	barrier();
	walk->inside--;
}

static noinline void errpath_scope_above(struct walk *walk)
{
	go_inside(walk, 1);
}

static noinline notrace void errpath_scope_above_notrace(struct walk *walk)
{
	go_inside(walk, 2);
}

/* No kprobe can be on it, so that errpath must walk the stack. */
static noinline notrace void errpath_scope_above_unprobed(struct walk *walk)
{
	go_inside(walk, 3);
}

NOKPROBE_SYMBOL(errpath_scope_above_unprobed);

static noinline void errpath_scope_beside(struct walk *walk)
{
	walk->next(walk);
	barrier();
}

static void irq_runs(struct irq_work *work)
{
	call_once(container_of(work, struct walk, irq));
	barrier();
}

/* Without preemption, so that the interrupt comes while this task runs. */
static void call_in_irq(struct walk *walk)
{
	preempt_disable();
	irq_work_queue(&walk->irq);
	while (irq_work_is_busy(&walk->irq))
		cpu_relax();
	preempt_enable();
}

static bool walk_is_over(const struct walk *walk)
{
	return walk->made >= walk->count || fatal_signal_pending(current);
}

static void random_step(struct walk *walk)
{
	unsigned int choice = prandom_u32_state(&walk->random) % 8;

	if (walk->nested == MAX_NESTED)
		choice %= 4;
	walk->nested++;
	walk->next = random_step;
	switch (choice) {
	case 0 ... 2:
		call_once(walk);
		break;
	case 3:
		call_in_irq(walk);
		break;
	case 4 ... 5:
		walk->above(walk);
		break;
	default:
		errpath_scope_beside(walk);
		break;
	}
	walk->nested--;
}

static void walk_random(struct walk *walk)
{
	prandom_seed_state(&walk->random, walk->count);
	while (!walk_is_over(walk)) {
		random_step(walk);
		cond_resched();
	}
}

static void call_all(struct walk *walk)
{
	u64 i;

	for (i = 0; i < walk->count && !fatal_signal_pending(current); i++) {
		call_once(walk);
		cond_resched();
	}
}

static void walk_inside(struct walk *walk)
{
	walk->next = call_all;
	walk->above(walk);
}

static void wait_for_turn(struct walk *walk)
{
	int before = atomic_read(&turn);

	atomic_inc(&waiting);
	if (!wait_event_killable(waiters, atomic_read(&turn) != before))
		call_all(walk);
	atomic_dec(&waiting);
}

static void walk_wait(struct walk *walk)
{
	call_all(walk);
	walk->next = wait_for_turn;
	walk->above(walk);
	call_all(walk);
}

static const struct {
	const char *name;
	void (*walk)(struct walk *walk);
} ways[] = {
	{ .name = "inside", .walk = walk_inside },
	{ .name = "outside", .walk = call_all },
	{ .name = "random", .walk = walk_random },
	{ .name = "wait", .walk = walk_wait },
};

static const struct {
	const char *name;
	void (*above)(struct walk *walk);
} scopes[] = {
	{ .name = "above", .above = errpath_scope_above },
	{ .name = "above_notrace", .above = errpath_scope_above_notrace },
	{ .name = "above_unprobed", .above = errpath_scope_above_unprobed },
};

static const char * const function_names[] = { "traced", "notrace" };
static int (* const functions[])(int x) = { errpath_target, errpath_target_notrace };

static void walk_begin(struct walk *walk, u64 count)
{
	walk->count = count;
	walk->inside = 0;
	walk->nested = 0;
	walk->made = 0;
	walk->made_inside = 0;
	walk->wrong = 0;
}

/* Order: COUNT traced|notrace FUNCTION WAY. Return the index of WAY, or an error. */
static int walk_parse(struct walk *walk, char *text)
{
	const char *scope, *way, *count = order_word(&text);
	int i, function = order_choice(function_names, ARRAY_SIZE(function_names),
				       order_word(&text));
	u64 number;

	scope = order_word(&text);
	way = order_word(&text);
	if (function < 0 || !scope || !way || order_end(text))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(scopes) && strcmp(scopes[i].name, scope); i++)
		;
	if (i == ARRAY_SIZE(scopes))
		return -EINVAL;
	walk->above = scopes[i].above;
	walk->function = functions[function];
	for (i = 0; i < ARRAY_SIZE(ways) && strcmp(ways[i].name, way); i++)
		;
	if (i == ARRAY_SIZE(ways) || order_number(count, MAX_CALLS, &number))
		return -EINVAL;
	walk_begin(walk, number);
	return i;
}

static ssize_t call_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct walk *walk = file->private_data;
	char text[64];
	int err = order_copy(text, sizeof(text), buf, len), way;

	if (err)
		return err;
	mutex_lock(&walk->lock);
	way = walk_parse(walk, text);
	if (way >= 0)
		ways[way].walk(walk);
	mutex_unlock(&walk->lock);
	if (way < 0)
		return way;
	return fatal_signal_pending(current) ? -EINTR : len;
}

static ssize_t call_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct walk *walk = file->private_data;
	char text[96];
	int n;

	mutex_lock(&walk->lock);
	n = scnprintf(text, sizeof(text), "calls %llu inside %llu wrong %llu\n", walk->made,
		      walk->made_inside, walk->wrong);
	mutex_unlock(&walk->lock);
	return simple_read_from_buffer(buf, len, pos, text, n);
}

static int call_open(struct inode *inode, struct file *file)
{
	struct walk *walk = kzalloc(sizeof(*walk), GFP_KERNEL);

	if (!walk)
		return -ENOMEM;
	mutex_init(&walk->lock);
	walk->irq = IRQ_WORK_INIT_HARD(irq_runs);
	file->private_data = walk;
	return 0;
}

static int call_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations call_fops = {
	.owner = THIS_MODULE,
	.open = call_open,
	.read = call_read,
	.write = call_write,
	.release = call_release,
};

static int go_get(void *data, u64 *value)
{
	*value = atomic_read(&waiting);
	return 0;
}

static int go_set(void *data, u64 value)
{
	atomic_inc(&turn);
	wake_up_all(&waiters);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(go_fops, go_get, go_set, "%llu\n");

static struct dentry *root;

static int __init errpath_scope_init(void)
{
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(root))
		return PTR_ERR(root);
	debugfs_create_file("call", 0600, root, NULL, &call_fops);
	debugfs_create_file_unsafe("go", 0600, root, NULL, &go_fops);
	return 0;
}

static void __exit errpath_scope_exit(void)
{
	debugfs_remove(root);
}

module_init(errpath_scope_init);
module_exit(errpath_scope_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Calls below and beside functions, to test stack: of errpath");
MODULE_INFO(test, "Y");
