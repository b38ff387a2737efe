// SPDX-License-Identifier: GPL-2.0
/* virtio-mem grows by a memory block and gives it back; its driver's worker does all of it. */
#include "lib/hotadd.h"
#include "lib/iomem.h"
#include "lib/sweep.h"

static const char *unavailable(void)
{
	return hotadd_unavailable(&hotadd_by_virtio_mem);
}

static int prepare(void)
{
	static struct hotadd_before before;

	return hotadd_prepare(&before, "online_movable");
}

/* Asked for the same again, the driver would not even look: so it is asked for something else. */
static void take_away(void)
{
	hotadd_virtio_mem(SECTION_SIZE);
	hotadd_virtio_mem(0);
}

static int run(struct sweep_run *r)
{
	int err = sweep_step(r, "grow", hotadd_virtio_mem(SECTION_SIZE));

	if (err) {
		hotadd_virtio_mem(0);
		return err;
	}
	sweep_expect(r, !hotadd_offline_block(), "memory that was added is online");
	err = sweep_step(r, "shrink", hotadd_virtio_mem(0));
	if (err)
		take_away();	/* it is all there and in use, and may well be */
	return err;
}

static int recover(void)
{
	take_away();
	return 0;
}

SWEEP_OPERATION(virtio_mem) = {
	.name = "virtio_mem",
	.what = "growth of virtio-mem by 128 MiB, and back",
	.unavailable = unavailable,
	.prepare = prepare,
	.run = run,
	.recover = recover,
	.scope = "stack:virtio_mem:virtio_mem_run_wq",
	.workers = true,
	.seconds = 60,
};
