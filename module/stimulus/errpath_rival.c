// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_rival: another user of the function that errpath intercepts. A write of "KIND SYMBOL"
 * to debugfs errpath_rival/set hooks the function; "none" and the next valid write remove the
 * hook. errpath_rival/hits counts the calls that the hook saw. "hypervisor hyperv" hooks no
 * function but lets the kernel find that it runs on Hyper-V.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#ifdef CONFIG_HYPERVISOR_GUEST
#include <asm/hypervisor.h>
#endif

#include "errpath_target.h"
#include "order.h"

static char symbol[KSYM_NAME_LEN];
static atomic_t hits;

static int kprobe_count(struct kprobe *probe, struct pt_regs *regs)
{
	atomic_inc(&hits);
	return 0;
}

/* Call a probed function from a handler, where its own handler cannot run. */
static int __kprobes kprobe_count_and_nest(struct kprobe *probe, struct pt_regs *regs)
{
	atomic_inc(&hits);
	errpath_target_notrace(0);
	return 0;
}

static void kprobe_post(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static int kretprobe_count(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	atomic_inc(&hits);
	return 0;
}

static void notrace ftrace_count(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	atomic_inc(&hits);
}

static struct kprobe probe;
static struct kretprobe return_probe;
static struct ftrace_ops ops;

static int kprobe_hook(void)
{
	probe = (struct kprobe) { .symbol_name = symbol, .pre_handler = kprobe_count };
	return register_kprobe(&probe);
}

static int nesting_hook(void)
{
	probe = (struct kprobe) { .symbol_name = symbol, .pre_handler = kprobe_count_and_nest };
	return register_kprobe(&probe);
}

/* By its post_handler a kprobe claims that it may change the instruction pointer. */
static int post_handler_hook(void)
{
	probe = (struct kprobe) {
		.symbol_name = symbol,
		.pre_handler = kprobe_count,
		.post_handler = kprobe_post,
	};
	return register_kprobe(&probe);
}

static void kprobe_unhook(void)
{
	unregister_kprobe(&probe);
}

static int kretprobe_hook(void)
{
	return_probe = (struct kretprobe) {
		.kp.symbol_name = symbol,
		.handler = kretprobe_count,
		.maxactive = 64,
	};
	return register_kretprobe(&return_probe);
}

static void kretprobe_unhook(void)
{
	unregister_kretprobe(&return_probe);
}

static int ftrace_hook(unsigned long flags)
{
	int err;

	ops = (struct ftrace_ops) { .func = ftrace_count, .flags = flags };
	err = ftrace_set_filter(&ops, symbol, strlen(symbol), 1);
	if (!err)
		err = register_ftrace_function(&ops);
	if (err)
		ftrace_free_filter(&ops);
	return err;
}

static int tracer_hook(void)
{
	return ftrace_hook(0);
}

static int ipmodify_hook(void)
{
	return ftrace_hook(FTRACE_OPS_FL_IPMODIFY);
}

static void ftrace_unhook(void)
{
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}

#ifdef CONFIG_HYPERVISOR_GUEST
static enum x86_hypervisor_type saved_hypervisor;

/* Hook no function: let the kernel find that it runs on Hyper-V. */
static int hypervisor_set(void)
{
	if (strcmp(symbol, "hyperv"))
		return -EINVAL;
	saved_hypervisor = x86_hyper_type;
	x86_hyper_type = X86_HYPER_MS_HYPERV;
	return 0;
}

static void hypervisor_restore(void)
{
	x86_hyper_type = saved_hypervisor;
}
#else
static int hypervisor_set(void)
{
	return -ENODEV;
}

static void hypervisor_restore(void)
{
}
#endif

/**
 * struct kind - a kind of hook
 * @name: name of the kind in an order
 * @hook: installs the hook at the function that the variable symbol names
 * @unhook: removes the hook
 */
struct kind {
	const char *name;
	int (*hook)(void);
	void (*unhook)(void);
};

static const struct kind kinds[] = {
	{ .name = "kprobe", .hook = kprobe_hook, .unhook = kprobe_unhook },
	{ .name = "nesting", .hook = nesting_hook, .unhook = kprobe_unhook },
	{ .name = "post_handler", .hook = post_handler_hook, .unhook = kprobe_unhook },
	{ .name = "kretprobe", .hook = kretprobe_hook, .unhook = kretprobe_unhook },
	{ .name = "ftrace", .hook = tracer_hook, .unhook = ftrace_unhook },
	{ .name = "ipmodify", .hook = ipmodify_hook, .unhook = ftrace_unhook },
	{ .name = "hypervisor", .hook = hypervisor_set, .unhook = hypervisor_restore },
};

static const struct kind *hooked;	/* NULL: no hook is installed */
static DEFINE_MUTEX(hooked_mutex);

static void rival_unhook(void)
{
	if (hooked)
		hooked->unhook();
	hooked = NULL;
}

static const struct kind *kind_find(const char *name)
{
	const struct kind *kind;

	for (kind = kinds; kind < kinds + ARRAY_SIZE(kinds); kind++)
		if (!strcmp(kind->name, name))
			return kind;
	return NULL;
}

static int rival_hook(const struct kind *kind, const char *name)
{
	int err;

	strscpy(symbol, name, sizeof(symbol));
	atomic_set(&hits, 0);
	err = kind->hook();
	if (!err)
		hooked = kind;
	return err;
}

static int rival_set(char *text)
{
	const char *name = order_word(&text), *function = order_word(&text);
	const struct kind *kind = name ? kind_find(name) : NULL;
	bool none = name && !strcmp(name, "none");
	int err = 0;

	if (order_end(text) || (none ? !!function : !kind || !function))
		return -EINVAL;
	mutex_lock(&hooked_mutex);
	rival_unhook();
	if (kind)
		err = rival_hook(kind, function);
	mutex_unlock(&hooked_mutex);
	return err;
}

static ssize_t set_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char text[sizeof(symbol)];
	int err = order_copy(text, sizeof(text), buf, len) ?: rival_set(text);

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
	rival_unhook();
}

module_init(errpath_rival_init);
module_exit(errpath_rival_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Other users of the functions that errpath intercepts, to test errpath");
MODULE_INFO(test, "Y");
