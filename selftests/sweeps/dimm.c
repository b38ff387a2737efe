// SPDX-License-Identifier: GPL-2.0
/* A real DIMM comes and goes; the kernel's ACPI worker does all of it. */
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"
#include "lib/hotadd.h"
#include "lib/iomem.h"
#include "lib/sweep.h"

static const char *unavailable(void)
{
	return hotadd_unavailable(&hotadd_by_dimm);
}

#define MEMORY "/sys/devices/system/memory"

static unsigned long boot_ram;

static int prepare(void)
{
	static struct hotadd_before before;

	boot_ram = iomem_ram();
	return hotadd_prepare(&before, "online_movable");
}

static bool exists(const char *pattern)
{
	glob_t found;
	int none = glob(pattern, 0, NULL, &found);

	globfree(&found);
	return !none;
}

/* In use, but ACPI does not know that it is of a DIMM: who ejects that takes it away in use. */
static bool stray(void)
{
	return iomem_ram() > boot_ram &&
	       !exists(MEMORY "/memory*/firmware_node") &&
	       !exists("/sys/bus/acpi/devices/PNP0C80:*/physical_node*");
}

/* The DIMM's block, which is the only one to be movable. */
static int offline(void)
{
	char path[64], zones[64];

	for (unsigned long block = 0; block < 8192 * MiB / SECTION_SIZE; block++) {
		snprintf(path, sizeof(path), MEMORY "/memory%lu/valid_zones", block);
		if (file_read(path, zones, sizeof(zones)) <= 0 || strcmp(zones, "Movable\n"))
			continue;
		snprintf(path, sizeof(path), MEMORY "/memory%lu/state", block);
		return file_write(path, "offline");
	}
	return -ENOENT;
}

/*
 * ACPI has no word for why a DIMM is refused, and known-issues has it that the
 * host is told of success all the same: that the memory is not there decides.
 */
static int run(struct sweep_run *r)
{
	bool added;
	int err;

	if (stray())
		return sweep_step(r, "plug", -EBUSY);
	err = hotadd_dimm(SECTION_SIZE);
	added = iomem_ram() == boot_ram + SECTION_SIZE;
	if (!added && (!err || err == -EIO))
		err = -ENOMEM;
	if (sweep_step(r, "plug", err)) {
		hotadd_dimm(0);		/* refused, it is still in its slot */
		return err;
	}
	err = sweep_expect(r, !hotadd_offline_block(), "memory that was added is online");
	if (stray())
		err = sweep_step(r, "bind", offline() ?: -ENODEV);
	return err ?: sweep_step(r, "unplug", hotadd_dimm(0));
}

static int recover(void)
{
	if (!stray() || hotadd_offline_block())
		hotadd_dimm(0);
	return 0;
}

SWEEP_OPERATION(dimm) = {
	.name = "dimm",
	.what = "hot-add of a DIMM of 128 MiB by ACPI, and unplug",
	.unavailable = unavailable,
	.prepare = prepare,
	.run = run,
	.recover = recover,
	.scope =
		"stack:acpi_memory_device_add stack:acpi_memory_device_remove stack:device_offline",
	.skip = "acpi_ns_evaluate",	/* the interpreter's own, hundreds of them */
	.workers = true,
	.seconds = 60,
};
