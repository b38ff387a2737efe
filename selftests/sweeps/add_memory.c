// SPDX-License-Identifier: GPL-2.0
/* Hot-add and removal of two sections. A failure in the second must undo the first. */
#include "lib/hotplug.h"
#include "lib/iomem.h"
#include "lib/sweep.h"

#define SIZE (2 * SECTION_SIZE)

static unsigned long start;

static int prepare(void)
{
	start = iomem_unused(SIZE, SIZE);
	return 0;
}

static int run(struct sweep_run *r)
{
	int err = sweep_step(r, "add", hotplug_add(start, SIZE));

	return err ?: sweep_step(r, "remove", hotplug_remove(start, SIZE));
}

/* Part of the range may still be added: remove all of it. */
static int recover(void)
{
	hotplug_remove(start, SIZE);
	return 0;
}

SWEEP_OPERATION(add_memory) = {
	.name = "add_memory",
	.what = "add_memory() of 256 MiB, and remove_memory()",
	.prepare = prepare,
	.run = run,
	.recover = recover,
	.scope = "stack:add_memory stack:remove_memory",
};
