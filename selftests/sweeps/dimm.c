// SPDX-License-Identifier: GPL-2.0
/* Hot-add and removal of a DIMM. The kernel's ACPI worker does all of the work. */
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

	/* An offline block is left over from an earlier process: it is not boot memory. */
	boot_ram = iomem_ram() - (hotadd_offline_block() ? SECTION_SIZE : 0);
	return hotadd_prepare(&before, "online_movable");
}

static bool exists(const char *pattern)
{
	glob_t found;
	int none = glob(pattern, 0, NULL, &found);

	globfree(&found);
	return !none;
}

/*
 * True if memory was added that ACPI does not know to belong to the DIMM. An eject of the DIMM
 * would then remove memory that is in use.
 */
static bool memory_is_unbound(void)
{
	return iomem_ram() > boot_ram &&
	       !exists(MEMORY "/memory*/firmware_node") &&
	       !exists("/sys/bus/acpi/devices/PNP0C80:*/physical_node*");
}

/* Sets the DIMM's block offline: the only block that is movable. */
static int offline_dimm(void)
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
 * ACPI cannot report why a DIMM is refused. Because of a known issue, it may even report success
 * for memory that was not added. So the step fails with ENOMEM if the memory is missing.
 */
static int run(struct sweep_run *r)
{
	bool added;
	int err;

	if (memory_is_unbound())
		return sweep_step(r, "plug", -EBUSY);
	err = hotadd_dimm(SECTION_SIZE);
	added = iomem_ram() == boot_ram + SECTION_SIZE;
	if (!added && (!err || err == -EIO))
		err = -ENOMEM;
	if (sweep_step(r, "plug", err)) {
		hotadd_dimm(0);		/* a refused DIMM is still in its slot */
		return err;
	}
	err = sweep_expect(r, !hotadd_offline_block(), "memory that was added is online");
	if (memory_is_unbound())
		err = sweep_step(r, "bind", offline_dimm() ?: -ENODEV);
	return err ?: sweep_step(r, "unplug", hotadd_dimm(0));
}

static int recover(void)
{
	if (!memory_is_unbound() || hotadd_offline_block())
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
	.skip = "acpi_ns_evaluate",	/* hundreds of calls of the interpreter */
	.workers = true,
	.asks_host = true,
	.seconds = 60,
};
