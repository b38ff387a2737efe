// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_rival: somebody else at the function that errpath wants. A write of
 * "KIND SYMBOL" to debugfs errpath_rival/set takes hold of the function, "none"
 * lets go of it, and so does the next valid write; errpath_rival/hits counts the
 * calls it saw. "hypervisor hyperv": the kernel says that it runs on that.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <asm/hypervisor.h>

#include "errpath_target.h"
#include "order.h"

static char symbol[KSYM_NAME_LEN];
static atomic_t hits;

static int count_hit(struct kprobe *probe, struct pt_regs *regs)
{
	atomic_inc(&hits);
	return 0;
}

/* A probed function called from a handler: its own handler cannot run. */
static int __kprobes nest_hit(struct kprobe *probe, struct pt_regs *regs)
{
	atomic_inc(&hits);
	errpath_target_notrace(0);
	return 0;
}

static void count_nothing(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static int count_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	atomic_inc(&hits);
	return 0;
}

static void notrace count_entry(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	atomic_inc(&hits);
}

static struct kprobe probe;
static struct kretprobe return_probe;
static struct ftrace_ops ops;

static int take_kprobe(void)
{
	probe = (struct kprobe) { .symbol_name = symbol, .pre_handler = count_hit };
	return register_kprobe(&probe);
}

static int take_nesting(void)
{
	probe = (struct kprobe) { .symbol_name = symbol, .pre_handler = nest_hit };
	return register_kprobe(&probe);
}

/* With a post_handler a kprobe claims that it may change the flow. */
static int take_post_handler(void)
{
	probe = (struct kprobe) {
		.symbol_name = symbol,
		.pre_handler = count_hit,
		.post_handler = count_nothing,
	};
	return register_kprobe(&probe);
}

static void drop_kprobe(void)
{
	unregister_kprobe(&probe);
}

static int take_kretprobe(void)
{
	return_probe = (struct kretprobe) {
		.kp.symbol_name = symbol,
		.handler = count_return,
		.maxactive = 64,
	};
	return register_kretprobe(&return_probe);
}

static void drop_kretprobe(void)
{
	unregister_kretprobe(&return_probe);
}

static int take_ftrace(unsigned long flags)
{
	int err;

	ops = (struct ftrace_ops) { .func = count_entry, .flags = flags };
	err = ftrace_set_filter(&ops, symbol, strlen(symbol), 1);
	err = err ?: register_ftrace_function(&ops);
	if (err)
		ftrace_free_filter(&ops);
	return err;
}

static int take_tracer(void)
{
	return take_ftrace(0);
}

static int take_ipmodify(void)
{
	return take_ftrace(FTRACE_OPS_FL_IPMODIFY);
}

static void drop_ftrace(void)
{
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}

static enum x86_hypervisor_type own_type;

/* Not at a function: the kernel takes itself for a guest of Hyper-V. */
static int take_hypervisor(void)
{
	if (strcmp(symbol, "hyperv"))
		return -EINVAL;
	own_type = x86_hyper_type;
	x86_hyper_type = X86_HYPER_MS_HYPERV;
	return 0;
}

static void drop_hypervisor(void)
{
	x86_hyper_type = own_type;
}

static const struct kind {
	const char *name;
	int (*take)(void);
	void (*drop)(void);
} kinds[] = {
	{ "kprobe", take_kprobe, drop_kprobe },
	{ "nesting", take_nesting, drop_kprobe },
	{ "post_handler", take_post_handler, drop_kprobe },
	{ "kretprobe", take_kretprobe, drop_kretprobe },
	{ "ftrace", take_tracer, drop_ftrace },
	{ "ipmodify", take_ipmodify, drop_ftrace },
	{ "hypervisor", take_hypervisor, drop_hypervisor },
};

static const struct kind *taken;
static DEFINE_MUTEX(taken_mutex);

static void let_go(void)
{
	if (taken)
		taken->drop();
	taken = NULL;
}

static const struct kind *find_kind(const char *name)
{
	const struct kind *kind;

	for (kind = kinds; kind < kinds + ARRAY_SIZE(kinds); kind++)
		if (!strcmp(kind->name, name))
			return kind;
	return NULL;
}

static int take(const struct kind *kind, const char *name)
{
	int err;

	strscpy(symbol, name, sizeof(symbol));
	atomic_set(&hits, 0);
	err = kind->take();
	if (!err)
		taken = kind;
	return err;
}

static int set(char *text)
{
	const char *name = order_word(&text), *function = order_word(&text);
	const struct kind *kind = name ? find_kind(name) : NULL;
	bool none = name && !strcmp(name, "none");
	int err = 0;

	if (order_end(text) || (none ? !!function : !kind || !function))
		return -EINVAL;
	mutex_lock(&taken_mutex);
	let_go();
	if (kind)
		err = take(kind, function);
	mutex_unlock(&taken_mutex);
	return err;
}

static ssize_t set_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char text[sizeof(symbol)];
	int err = order_copy(text, sizeof(text), buf, len) ?: set(text);

	return err ?: len;
}

static const struct file_operations set_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.write = set_write,
};

static struct dentry *root;

static int __init errpath_rival_init(void)
{
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(root))
		return PTR_ERR(root);
	debugfs_create_file("set", 0200, root, NULL, &set_fops);
	debugfs_create_atomic_t("hits", 0400, root, &hits);
	return 0;
}

static void __exit errpath_rival_exit(void)
{
	debugfs_remove(root);
	let_go();
}

module_init(errpath_rival_init);
module_exit(errpath_rival_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Other users of the functions that errpath intercepts, to test errpath");
MODULE_INFO(test, "Y");
