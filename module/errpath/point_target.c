// SPDX-License-Identifier: GPL-2.0
/*
 * A point that does not affect the kernel: the functions of errpath_target.ko exist only
 * to be failed. For trying the knobs, and for testing and measuring errpath.
 */
#include <linux/errno.h>

#include "point.h"

static struct errpath_function functions[] = {
	{ .symbol = "errpath_target:errpath_target" },
	{}
};

struct errpath_point point_target = {
	.name = "target",
	.functions = functions,
	.default_errno = -ENOMEM,
};
