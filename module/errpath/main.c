// SPDX-License-Identifier: GPL-2.0
/*
 * errpath: make chosen kernel functions fail, on a kernel that nobody prepared.
 * Load: prove that interception works here, find the points, offer the knobs.
 */
#include <linux/module.h>
#include <linux/notifier.h>

#include "../common/intercept.h"
#include "decide.h"
#include "knobs.h"
#include "point.h"

static char *arm = "";
module_param(arm, charp, 0400);
MODULE_PARM_DESC(arm, "points to arm at load: POINT:KNOB=VALUE,KNOB=VALUE;POINT:...");

struct errpath_point * const errpath_points[] = { ERRPATH_POINT_ADDRESSES, NULL };

static int on_module(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *module = data;
	struct errpath_point * const *point;

	for (point = errpath_points; *point; point++) {
		if (event == MODULE_STATE_COMING)
			point_module_coming(*point, module->name);
		else if (event == MODULE_STATE_GOING)
			point_module_going(*point, module->name);
	}
	return NOTIFY_DONE;
}

/* Before kprobes' own notifier declares the probes of a going module dead. */
static struct notifier_block module_notifier = {
	.notifier_call = on_module,
	.priority = 1,
};

static void exit_points(void)
{
	struct errpath_point * const *point;

	for (point = errpath_points; *point; point++)
		point_exit(*point);
}

static int init_points(void)
{
	struct errpath_point * const *point;
	int err;

	for (point = errpath_points; *point; point++) {
		err = point_init(*point);
		if (err) {
			exit_points();
			return err;
		}
	}
	return 0;
}

static int __init errpath_init(void)
{
	int err;

	fault_rules_seed();
	err = intercept_self_probe();
	if (err)
		return err;
	err = init_points();
	if (err)
		goto fail_probe;
	err = register_module_notifier(&module_notifier);
	if (err)
		goto fail_points;
	err = knobs_create();
	if (err)
		goto fail_notifier;
	err = knobs_apply(arm);
	if (err)
		goto fail_knobs;
	knobs_open();
	return 0;

fail_knobs:
	knobs_remove();
fail_notifier:
	unregister_module_notifier(&module_notifier);
fail_points:
	exit_points();
fail_probe:
	intercept_exit();
	return err;
}

static void __exit errpath_exit(void)
{
	knobs_remove();
	unregister_module_notifier(&module_notifier);
	exit_points();
	intercept_exit();
}

module_init(errpath_init);
module_exit(errpath_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Fail chosen memory allocations in the kernel, on stock kernels");
MODULE_INFO(test, "Y");
