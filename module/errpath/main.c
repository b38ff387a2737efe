// SPDX-License-Identifier: GPL-2.0
/*
 * errpath: make selected kernel functions fail, on an unmodified kernel.
 * At load: test that interception works on this kernel, initialise the points, create
 * the knobs, apply the parameter arm.
 */
#include <linux/module.h>
#include <linux/notifier.h>

#include "../common/intercept.h"
#include "arm.h"
#include "debugfs.h"
#include "decide.h"
#include "functions.h"
#include "load_param.h"
#include "points.h"
#include "scope_functions.h"

static int notify_points(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *module = data;
	struct errpath_point *point;

	if (event != MODULE_STATE_COMING && event != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	scope_functions_forget();
	mutex_lock(&errpath_points_mutex);
	list_for_each_entry(point, &errpath_points, list) {
		if (event == MODULE_STATE_COMING)
			point_module_coming(point, module->name);
		else
			point_module_going(point, module);
	}
	mutex_unlock(&errpath_points_mutex);
	return NOTIFY_DONE;
}

/* Runs before the notifier of kprobes, which marks the probes of a going module as gone. */
static struct notifier_block module_notifier = {
	.notifier_call = notify_points,
	.priority = 1,
};

static int __init errpath_init(void)
{
	int err;

	fault_rules_seed();
	err = intercept_self_probe();
	if (err)
		return err;
	err = scope_functions_self_probe();
	if (err)
		goto fail_probe;
	err = points_init();
	if (err)
		goto fail_probe;
	err = register_module_notifier(&module_notifier);
	if (err)
		goto fail_points;
	err = errpath_debugfs_create();
	if (err)
		goto fail_notifier;
	err = load_param_apply();
	if (err)
		goto fail_debugfs;
	errpath_debugfs_open();
	return 0;

fail_debugfs:
	errpath_debugfs_remove();
fail_notifier:
	unregister_module_notifier(&module_notifier);
fail_points:
	points_exit();
fail_probe:
	intercept_exit();
	return err;
}

static void __exit errpath_exit(void)
{
	errpath_debugfs_remove();
	unregister_module_notifier(&module_notifier);
	functions_remove_all();
	points_exit();
	intercept_exit();
}

module_init(errpath_init);
module_exit(errpath_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Fail selected memory allocations of an unmodified kernel");
MODULE_INFO(test, "Y");
