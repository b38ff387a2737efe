// SPDX-License-Identifier: GPL-2.0
/* Sets a block of hot-added memory online, and offline again. */
#include <errno.h>
#include <stdio.h>

#include "lib/file.h"
#include "lib/hotadd.h"
#include "lib/iomem.h"
#include "lib/sweep.h"

static char state[300];

static const char *unavailable(void)
{
	return hotadd_unavailable(&hotadd_by_dimm);
}

static int prepare(void)
{
	static struct hotadd_before before;
	int err = hotadd_prepare(&before, "offline");

	if (!err && !hotadd_offline_block())	/* an earlier process may have added it */
		err = hotadd_dimm(SECTION_SIZE);
	if (err || !hotadd_offline_block())
		return err ?: -ENOENT;
	snprintf(state, sizeof(state), "%s", hotadd_offline_block());
	return 0;
}

static int run(struct sweep_run *r)
{
	int err = sweep_step(r, "online", file_write(state, "online_movable"));

	err = err ?: sweep_expect(r, !hotadd_offline_block(), "the block is online");
	return err ?: sweep_step(r, "offline", file_write(state, "offline"));
}

static int recover(void)
{
	return hotadd_offline_block() ? 0 : file_write(state, "offline");
}

SWEEP_OPERATION(online) = {
	.name = "online",
	.what = "a memory block of a DIMM comes online, movable, and goes offline",
	.unavailable = unavailable,
	.prepare = prepare,
	.run = run,
	.recover = recover,
	.scope = "stack:device_online stack:device_offline",
};
