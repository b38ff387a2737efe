// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_livepatch: a live patch of errpath_target(), which errpath must not intercept then.
 * The patched function returns -ESTALE.
 */
#include <linux/errno.h>
#include <linux/livepatch.h>
#include <linux/module.h>

static int patched_target(int x)
{
	return -ESTALE;
}

static struct klp_func functions[] = {
	{ .old_name = "errpath_target", .new_func = patched_target },
	{}
};

static struct klp_object objects[] = {
	{ .name = "errpath_target", .funcs = functions },
	{}
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init errpath_livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

/* Only reached after the patch was disabled in sysfs. */
static void __exit errpath_livepatch_exit(void)
{
}

module_init(errpath_livepatch_init);
module_exit(errpath_livepatch_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A live patch of errpath_target(), to test errpath");
MODULE_INFO(livepatch, "Y");
MODULE_INFO(test, "Y");
