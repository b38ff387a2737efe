// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sweep.h"

int sweep_step(struct sweep_run *r, const char *name, int err)
{
	if (r->nr_steps < SWEEP_STEPS) {
		snprintf(r->step[r->nr_steps].name, sizeof(r->step[0].name), "%s", name);
		r->step[r->nr_steps++].err = err;
	}
	return err;
}

int sweep_call(struct sweep_run *r, const char *name, long ret)
{
	return sweep_step(r, name, ret < 0 ? -errno : 0);
}

int sweep_expect(struct sweep_run *r, bool right, const char *what)
{
	if (right)
		return 0;
	if (!*r->wrong)
		snprintf(r->wrong, sizeof(r->wrong), "%s", what);
	return -EIO;
}
