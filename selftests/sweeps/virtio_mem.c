// SPDX-License-Identifier: GPL-2.0
/* virtio-mem grows by a memory block and shrinks again. Its driver's worker does the work. */
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

/* A request for the same size would do nothing: request another size before it. */
static void shrink_again(void)
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
		shrink_again();	/* a failed shrink may leave all of the memory in use */
	return err;
}

static int recover(void)
{
	shrink_again();
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
	.asks_host = true,
	.seconds = 60,
};
