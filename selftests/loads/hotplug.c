// SPDX-License-Identifier: GPL-2.0
/* Memory that is added and removed: ranges without RAM, DIMMs and virtio-mem. */
#include <errno.h>
#include <stddef.h>

#include "lib/hotadd.h"
#include "lib/hotplug.h"
#include "lib/iomem.h"
#include "lib/module.h"
#include "loads.h"

#define SIZE (128UL << 20)

static struct hotadd_before before;
static unsigned long start;

static const char *hotplug_unavailable(void)
{
	if (!module_loaded("errpath_hotplug"))
		return "errpath_hotplug.ko is not loaded";
	/* Not where DIMMs and virtio-mem get their addresses, which is right above the RAM. */
	start = iomem_unused(SECTION_SIZE, SECTION_SIZE) + 64 * SECTION_SIZE;
	return NULL;
}

static int hotplug_once(void)
{
	int err = hotplug_add(start, SECTION_SIZE);

	/* The load of memory leaves none. */
	if (err == -ENOMEM || err == -EEXIST)
		err = 0;
	else if (!err)
		err = hotplug_remove(start, SECTION_SIZE);
	return err;
}

static int hotplug_undo(void)
{
	int left = hotplug_cleanup();

	return left < 0 ? left : 0;
}

const struct load load_hotplug = {
	.name = "hotplug",
	.unavailable = hotplug_unavailable,
	.once = hotplug_once,
	.pause_us = 50000,
	.undo = hotplug_undo,
};

static const char *by_unavailable(const struct hotadd *by)
{
	const char *reason = hotadd_unavailable(by);

	/* The blocks stay offline, so that no use of memory keeps them from being removed. */
	if (!reason && hotadd_prepare(&before, "offline"))
		reason = "auto_online_blocks cannot be set";
	return reason;
}

static int by_once(const struct hotadd *by)
{
	int err = by->resize(SIZE);

	return err ?: by->resize(0);
}

static int by_undo(void)
{
	return hotadd_cleanup(&before);
}

static const char *dimm_unavailable(void)
{
	return by_unavailable(&hotadd_by_dimm);
}

static int dimm_once(void)
{
	return by_once(&hotadd_by_dimm);
}

const struct load load_dimm = {
	.name = "dimm",
	.unavailable = dimm_unavailable,
	.once = dimm_once,
	.pause_us = 100000,
	.undo = by_undo,
};
