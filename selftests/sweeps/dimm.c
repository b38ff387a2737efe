// SPDX-License-Identifier: GPL-2.0
/* A real DIMM comes and goes; the kernel's ACPI worker does all of it. */
#include <errno.h>

#include "lib/hotadd.h"
#include "lib/iomem.h"
#include "lib/sweep.h"

static const char *unavailable(void)
{
	return hotadd_unavailable(&hotadd_by_dimm);
}

static int prepare(void)
{
	static struct hotadd_before before;

	return hotadd_prepare(&before, "online_movable");
}

/*
 * ACPI has no word for why a DIMM is refused, and known-issues has it that the
 * host is told of success all the same: that the memory is not there decides.
 */
static int run(struct sweep_run *r)
{
	const unsigned long before = iomem_ram();
	int err = hotadd_dimm(SECTION_SIZE);
	bool added = iomem_ram() == before + SECTION_SIZE;

	if (!added && (!err || err == -EIO))
		err = -ENOMEM;
	if (sweep_step(r, "plug", err)) {
		hotadd_dimm(0);		/* refused, it is still in its slot */
		return err;
	}
	err = sweep_expect(r, !hotadd_offline_block(), "memory that was added is online");
	return err ?: sweep_step(r, "unplug", hotadd_dimm(0));
}

static int recover(void)
{
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
