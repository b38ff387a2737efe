// SPDX-License-Identifier: GPL-2.0
/* Like the point target, for a notrace function, which only a kprobe can intercept. */
#include <linux/errno.h>

#include "point.h"

static struct errpath_function functions[] = {
	{ .symbol = "errpath_target:errpath_target_notrace" },
	{}
};

struct errpath_point point_target_notrace = {
	.name = "target_notrace",
	.functions = functions,
	.default_errno = -ENOMEM,
};
