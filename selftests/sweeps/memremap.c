// SPDX-License-Identifier: GPL-2.0
/*
 * memremap_pages() of device memory: with a memmap in RAM, with a memmap inside of the memory
 * itself, and with huge pages.
 */
#include <stdio.h>

#include "lib/hotplug.h"
#include "lib/iomem.h"
#include "lib/sweep.h"

#define SIZE (2 * SUBSECTION_SIZE)
#define SCOPE "stack:memremap_pages stack:memunmap_pages"

static unsigned long start;

static int prepare(void)
{
	start = iomem_unused(SECTION_SIZE, SECTION_SIZE);
	return 0;
}

static int prepare_reserved(void)
{
	start = iomem_reserved_ram(SIZE, SECTION_SIZE);
	return 0;
}

static const char *no_reserved_ram(void)
{
	return iomem_reserved_ram(SIZE, SECTION_SIZE) ? NULL :
	       "no reserved RAM for the altmap: boot with memmap=128M$START";
}

static int remap(struct sweep_run *r, const char *options)
{
	int err = sweep_step(r, "memremap", hotplug_memremap(start, SIZE, options));

	return err ?: sweep_step(r, "memunmap", hotplug_memunmap(start));
}

static int run_plain(struct sweep_run *r)
{
	return remap(r, "");
}

static int run_altmap(struct sweep_run *r)
{
	return remap(r, "altmap");
}

static int run_compound(struct sweep_run *r)
{
	return remap(r, "shift=9");
}

SWEEP_OPERATION(memremap) = {
	.name = "memremap",
	.what = "memremap_pages() of 4 MiB, and memunmap_pages()",
	.unavailable = hotplug_memremap_unavailable,
	.prepare = prepare,
	.run = run_plain,
	.scope = SCOPE,
};

SWEEP_OPERATION(memremap_altmap) = {
	.name = "memremap_altmap",
	.what = "memremap_pages() of 4 MiB with its memmap inside, and memunmap_pages()",
	.unavailable = no_reserved_ram,
	.prepare = prepare_reserved,
	.run = run_altmap,
	.scope = SCOPE,
};

SWEEP_OPERATION(memremap_compound) = {
	.name = "memremap_compound",
	.what = "memremap_pages() of 4 MiB of huge pages, and memunmap_pages()",
	.unavailable = hotplug_memremap_unavailable,
	.prepare = prepare,
	.run = run_compound,
	.scope = SCOPE,
};
