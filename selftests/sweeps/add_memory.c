// SPDX-License-Identifier: GPL-2.0
/*
 * Hot-add and removal of two sections. A failure in the second must undo the first. And of one that
 * carries its own memmap, of whose place the kernel keeps a copy.
 */
#include <stddef.h>

#include "lib/hotadd.h"
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

static const char *carries_no_memmap(void)
{
	if (!hotadd_carries_memmap())
		return "boot with memory_hotplug.memmap_on_memory=1";
	return iomem_reserved_ram(SECTION_SIZE, SECTION_SIZE) ? NULL :
	       "no reserved RAM for the memmap: boot with memmap=128M$START";
}

static int prepare_reserved(void)
{
	start = iomem_reserved_ram(SECTION_SIZE, SECTION_SIZE);
	return 0;
}

static int run_with_memmap(struct sweep_run *r)
{
	int err = sweep_step(r, "add", hotplug_add_with_memmap(start, SECTION_SIZE));

	return err ?: sweep_step(r, "remove", hotplug_remove(start, SECTION_SIZE));
}

static int recover_with_memmap(void)
{
	hotplug_remove(start, SECTION_SIZE);
	return 0;
}

SWEEP_OPERATION(add_memory_own_memmap) = {
	.name = "add_memory_own_memmap",
	.what = "add_memory() of 128 MiB that carry their memmap, and remove_memory()",
	.unavailable = carries_no_memmap,
	.prepare = prepare_reserved,
	.run = run_with_memmap,
	.recover = recover_with_memmap,
	.scope = "stack:add_memory stack:remove_memory",
};
