// SPDX-License-Identifier: GPL-2.0
/*
 * A point without a kernel behind it: errpath_target.ko has functions that
 * exist only to be failed. To try the knobs, and to test and measure errpath.
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
