// SPDX-License-Identifier: GPL-2.0
/* The module parameter arm: sets knobs when the module is loaded. */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "knobs.h"
#include "load_param.h"
#include "points.h"

static char *arm = "";
module_param(arm, charp, 0400);
MODULE_PARM_DESC(arm, "points to arm at load: POINT:KNOB=VALUE,KNOB=VALUE;POINT:...");

static const struct knob *knob_lookup(const struct errpath_point *point, const char *name)
{
	const struct knob *knob;

	for (knob = errpath_knobs; knob->name; knob++)
		if (knob->set && knob_exists(point, knob) && !strcmp(knob->name, name))
			return knob;
	return NULL;
}

static int apply_assignment(struct errpath_point *point, char *assignment)
{
	char *name = strsep(&assignment, "=");
	const struct knob *knob = knob_lookup(point, strim(name));
	int err;

	if (!knob || !assignment) {
		pr_err("arm: \"%s\" is not a KNOB=VALUE of point %s\n", name, point->name);
		return -EINVAL;
	}
	err = knob_set(point, knob, assignment);
	if (err)
		pr_err("arm: cannot set %s:%s=%s (error %d)\n", point->name, name, assignment, err);
	return err;
}

static int apply_point(char *text)
{
	char *name = strsep(&text, ":");
	struct errpath_point *point = points_lookup(strim(name));
	char *assignment;
	int err;

	if (!point || !text) {
		pr_err("arm: \"%s\" is not a POINT:KNOB=VALUE,KNOB=VALUE\n", name);
		return -EINVAL;
	}
	while ((assignment = strsep(&text, ","))) {
		err = apply_assignment(point, assignment);
		if (err)
			return err;
	}
	return 0;
}

/**
 * load_param_apply() - set the knobs that the module parameter arm names
 *
 * The parameter is POINT:KNOB=VALUE,KNOB=VALUE;POINT:... and is applied from left to
 * right. The items of a list inside a value are separated by blanks.
 *
 * Context: may sleep.
 *
 * Return: 0, or the first error after a line in the kernel log; the knobs to the left
 * of it are set.
 */
int load_param_apply(void)
{
	char *copy = kstrdup(arm, GFP_KERNEL), *rest = copy, *word;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && (word = strsep(&rest, ";")))
		err = *strim(word) ? apply_point(word) : 0;
	kfree(copy);
	return err;
}
