// SPDX-License-Identifier: GPL-2.0
/* The costs of a call of one function, of kmalloc() and kfree(), and of a page, by errpath. */
#include <stdio.h>
#include <sys/types.h>

#include "costs.h"

#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"

#define RIVAL "/sys/kernel/debug/errpath_rival/set"

static const struct mechanism {
	enum loop loop;
	const char *point;
	const char *function;
	const char *hook;	/* what errpath_rival.ko calls a hook of the same mechanism */
} mechanisms[] = {
	{
		.loop = LOOP_FTRACE,
		.point = "target",
		.function = "errpath_target",
		.hook = "ipmodify",
	}, {
		.loop = LOOP_KPROBE,
		.point = "target_notrace",
		.function = "errpath_target_notrace",
		.hook = "post_handler",
	},
};

/* Measure the cost of any hook: one that does nothing. */
static void measure_empty_hook(const struct mechanism *m)
{
	char order[128];

	snprintf(order, sizeof(order), "%s %s", m->hook, m->function);
	if (check(file_write(RIVAL, order), m->hook))
		return;
	loop_report(m->loop, "hook", "empty", false);
	check(file_write(RIVAL, "none"), "none");
}

/* Measure all cases of a point. The last one fails every call of this process. */
static void measure_point(enum loop loop, const char *point)
{
	if (check(point_arm_other(point), "arming"))
		return;
	loop_report(loop, "errpath", "task-mismatch", false);
	check(point_arm(point, "self", ELSEWHERE), "caller");
	loop_report(loop, "errpath", "caller-mismatch", false);
	check(point_arm(point, "self", "stack:" ELSEWHERE), "stack:");
	loop_report(loop, "errpath", "stack-mismatch", false);
	check(point_arm(point, "self", ""), "any caller");
	loop_report(loop, "errpath", "injecting", true);
	check(disarm(point), "disarming");
	loop_report(loop, "errpath", "disarmed", false);
}

void measure_functions_without(void)
{
	const struct mechanism *m;

	if (check(module_load("errpath_rival", ""), "insmod errpath_rival"))
		return;
	for (m = mechanisms; m < mechanisms + 2; m++) {
		loop_report(m->loop, "none", "not-loaded", false);
		measure_empty_hook(m);
	}
	check(module_unload("errpath_rival"), "rmmod errpath_rival");
}

void measure_functions(void)
{
	const struct mechanism *m;

	for (m = mechanisms; m < mechanisms + 2; m++)
		measure_point(m->loop, m->point);
}

void measure_memory_without(void)
{
	loop_report(LOOP_KMALLOC, "none", "not-loaded", false);
	loop_report(LOOP_PAGE, "none", "not-loaded", false);
}

void measure_memory(void)
{
	measure_point(LOOP_KMALLOC, "alloc");
	measure_point(LOOP_PAGE, "alloc");
}
