// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_hang: hang the task that writes to debugfs errpath_hang/hang, to test what the host
 * finds out about a lost guest. The order is one of:
 *   mutex     wait for a mutex that the task holds already
 *   spin      loop in the kernel, with interrupts on
 *   irqs_off  loop in the kernel, with interrupts off
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "order.h"

static DEFINE_MUTEX(own_mutex);

static noinline void errpath_hang_mutex(void)
{
	mutex_lock(&own_mutex);
	mutex_lock_nested(&own_mutex, SINGLE_DEPTH_NESTING);
	mutex_unlock(&own_mutex);
}

/* cond_resched(): let the other tasks of a CPU run on a kernel without preemption. */
static noinline void errpath_hang_spin(void)
{
	for (;;)
		cond_resched();
}

static noinline void errpath_hang_irqs_off(void)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static const char * const names[] = { "mutex", "spin", "irqs_off" };
static void (*const hangs[])(void) = {
	errpath_hang_mutex,
	errpath_hang_spin,
	errpath_hang_irqs_off,
};

static ssize_t hang_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char copy[32], *text = copy;
	int err, how;

	err = order_copy(copy, sizeof(copy), buf, len);
	if (err)
		return err;
	how = order_choice(names, ARRAY_SIZE(names), order_word(&text));
	if (how < 0 || order_end(text))
		return -EINVAL;
	hangs[how]();
	return len;
}

static const struct file_operations hang_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.write = hang_write,
};

static struct dentry *root;

static int __init errpath_hang_init(void)
{
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(root))
		return PTR_ERR(root);
	debugfs_create_file("hang", 0200, root, NULL, &hang_fops);
	return 0;
}

static void __exit errpath_hang_exit(void)
{
	debugfs_remove(root);
}

module_init(errpath_hang_init);
module_exit(errpath_hang_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Hang a task, to test what is found out about a lost guest");
MODULE_INFO(test, "Y");
