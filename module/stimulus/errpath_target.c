// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_target: functions for tests of errpath. A write of "COUNT
 * [traced|notrace|traced_tail|notrace_tail] [task|atomic|softirq|irq|loop]" to debugfs
 * errpath_target/call calls one of them COUNT times in that context. A read of the same open
 * file returns the number of calls and of errors, the last errno, and the time of a loop. A
 * fatal signal to the writer ends the calls, except in a loop, which has a limit of LOOP_LIMIT.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/error-injection.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "errpath_target.h"
#include "order.h"

/* The loop runs with interrupts off, and a call takes up to 10 us in an emulated guest. */
#define LOOP_LIMIT	100000

/*
 * Return 0 without the compiler knowing it. If it knew, it would replace the jump in
 * errpath_target_tail() by a call (gcc 14 does).
 */
static __always_inline int hidden_zero(void)
{
	int err = 0;

	barrier();
	OPTIMIZER_HIDE_VAR(err);
	return err;
}

noinline int errpath_target(int x)
{
	return hidden_zero();
}
EXPORT_SYMBOL_GPL(errpath_target);

/* The kernel's fail_function can fail it, too. */
ALLOW_ERROR_INJECTION(errpath_target, ERRNO);

noinline notrace int errpath_target_notrace(int x)
{
	return hidden_zero();
}
EXPORT_SYMBOL_GPL(errpath_target_notrace);

/* Both end in a jump to the function, so the function returns to their caller. */
static noinline int errpath_target_tail(int x)
{
	return errpath_target(x);
}

static noinline int errpath_target_notrace_tail(int x)
{
	return errpath_target_notrace(x);
}

/* The function that tests name in the knob "caller". */
static noinline int errpath_target_caller(int (*function)(int x))
{
	int err = function(0);

	barrier();	/* prevent a tail call, so that this function stays on the stack */
	return err;
}

/**
 * struct calls - the calls that one open file made
 * @lock: held while calls are made or reported
 * @function: function that is called
 * @made: number of calls
 * @failed: number of calls that returned an error
 * @last_errno: last error
 * @ns: duration of all calls of a loop in ns
 * @irq: makes one call from an interrupt
 * @softirq: makes one call from a softirq
 */
struct calls {
	struct mutex lock;	/* one writer or reader at a time */
	int (*function)(int x);
	unsigned long made;
	unsigned long failed;
	int last_errno;
	u64 ns;
	struct irq_work irq;
	struct tasklet_struct softirq;
};

static void call_in_task(struct calls *calls)
{
	int err = errpath_target_caller(calls->function);

	calls->made++;
	if (!err)
		return;
	calls->failed++;
	calls->last_errno = err;
}

/* Measures calls without anything between them, for make bench. */
static void call_in_loop(struct calls *calls, unsigned long count)
{
	unsigned long flags;

	local_irq_save(flags);
	calls->ns = ktime_get_ns();
	calls->made = count;
	while (count--)
		errpath_target_caller(calls->function);
	calls->ns = ktime_get_ns() - calls->ns;
	local_irq_restore(flags);
}

static void call_in_atomic(struct calls *calls)
{
	unsigned long flags;

	local_irq_save(flags);
	call_in_task(calls);
	local_irq_restore(flags);
}

static void irq_work_runs(struct irq_work *work)
{
	call_in_task(container_of(work, struct calls, irq));
}

static void call_in_irq(struct calls *calls)
{
	irq_work_queue(&calls->irq);
	irq_work_sync(&calls->irq);
}

static void tasklet_runs(struct tasklet_struct *tasklet)
{
	call_in_task(container_of(tasklet, struct calls, softirq));
}

static void call_in_softirq(struct calls *calls)
{
	tasklet_schedule(&calls->softirq);
	tasklet_unlock_wait(&calls->softirq);
	tasklet_kill(&calls->softirq);
}

/**
 * struct context - a context in which calls are made
 * @name: name of the context in an order
 * @call: makes one call
 * @call_all: makes all calls; replaces @call
 * @limit: maximum number of calls
 */
struct context {
	const char *name;
	void (*call)(struct calls *calls);
	void (*call_all)(struct calls *calls, unsigned long count);
	unsigned long limit;
};

static const struct context contexts[] = {
	{ .name = "task", .call = call_in_task, .limit = ULONG_MAX },
	{ .name = "atomic", .call = call_in_atomic, .limit = ULONG_MAX },
	{ .name = "softirq", .call = call_in_softirq, .limit = ULONG_MAX },
	{ .name = "irq", .call = call_in_irq, .limit = ULONG_MAX },
	{ .name = "loop", .call_all = call_in_loop, .limit = LOOP_LIMIT },
};

static const struct context *context_find(const char *name)
{
	const struct context *context;

	for (context = contexts; context < contexts + ARRAY_SIZE(contexts); context++)
		if (!strcmp(context->name, name))
			return context;
	return NULL;
}

static int calls_make(struct calls *calls, unsigned long count, const struct context *context)
{
	calls->made = 0;
	calls->failed = 0;
	calls->last_errno = 0;
	calls->ns = 0;
	if (context->call_all) {
		context->call_all(calls, count);
		return 0;
	}
	while (count--) {
		if (fatal_signal_pending(current))
			return -EINTR;
		context->call(calls);
		cond_resched();
	}
	return 0;
}

static int call_open(struct inode *inode, struct file *file)
{
	struct calls *calls = kzalloc(sizeof(*calls), GFP_KERNEL);

	if (!calls)
		return -ENOMEM;
	mutex_init(&calls->lock);
	calls->irq = IRQ_WORK_INIT_HARD(irq_work_runs);
	tasklet_setup(&calls->softirq, tasklet_runs);
	file->private_data = calls;
	return 0;
}

static int call_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct {
	const char *name;
	int (*function)(int x);
} functions[] = {
	{ .name = "traced", .function = errpath_target },
	{ .name = "notrace", .function = errpath_target_notrace },
	{ .name = "traced_tail", .function = errpath_target_tail },
	{ .name = "notrace_tail", .function = errpath_target_notrace_tail },
};

static int (*function_find(const char *name))(int x)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		if (!strcmp(functions[i].name, name))
			return functions[i].function;
	return NULL;
}

/**
 * struct request - one write to the file "call"
 * @count: number of calls
 * @function: function to call
 * @context: context of the calls
 */
struct request {
	u64 count;
	int (*function)(int x);
	const struct context *context;
};

static int request_parse(char *text, struct request *request)
{
	const char *count = order_word(&text);

	request->function = function_find(order_word(&text) ?: "traced");
	request->context = context_find(order_word(&text) ?: "task");
	if (!request->function || !request->context || order_end(text))
		return -EINVAL;
	return order_number(count, request->context->limit, &request->count);
}

static ssize_t call_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct calls *calls = file->private_data;
	struct request request;
	char text[64];
	int err;

	err = order_copy(text, sizeof(text), buf, len) ?: request_parse(text, &request);
	if (err)
		return err;
	mutex_lock(&calls->lock);
	calls->function = request.function;
	err = calls_make(calls, request.count, request.context);
	mutex_unlock(&calls->lock);
	return err ?: len;
}

static ssize_t call_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct calls *calls = file->private_data;
	char text[96];
	int n;

	mutex_lock(&calls->lock);
	n = scnprintf(text, sizeof(text), "calls %lu failed %lu errno %d ns %llu\n",
		      calls->made, calls->failed, calls->last_errno, calls->ns);
	mutex_unlock(&calls->lock);
	return simple_read_from_buffer(buf, len, pos, text, n);
}

static const struct file_operations call_fops = {
	.owner = THIS_MODULE,
	.open = call_open,
	.read = call_read,
	.write = call_write,
	.release = call_release,
};

static struct dentry *root;

static int __init errpath_target_init(void)
{
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(root))
		return PTR_ERR(root);
	debugfs_create_file("call", 0600, root, NULL, &call_fops);
	return 0;
}

static void __exit errpath_target_exit(void)
{
	debugfs_remove(root);
}

module_init(errpath_target_init);
module_exit(errpath_target_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Functions to be called and failed, to test errpath");
MODULE_INFO(test, "Y");
