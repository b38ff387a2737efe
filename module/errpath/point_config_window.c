// SPDX-License-Identifier: GPL-2.0
/*
 * Hyper-V PCI: no MMIO space for the config window of a bus. No other window has its
 * size and alignment: a bridge's window of 8 KiB is aligned to 8 KiB.
 *
 * With the knob min the call does not fail, but gets space at or above that address.
 */
#include <linux/errno.h>
#include <linux/hyperv.h>
#include <linux/sizes.h>

#include "point.h"

/* int (struct resource **, struct hv_device *, min, max, size, align, bool) */
enum { ARG_DEVICE = 1, ARG_MIN = 2, ARG_SIZE = 4, ARG_ALIGN = 5 };

static bool is_config_window(struct arch_regs *regs)
{
	return intercept_arg(regs, ARG_SIZE) == SZ_8K && intercept_arg(regs, ARG_ALIGN) == SZ_4K;
}

static const char *device_name(struct arch_regs *regs)
{
	const struct hv_device *hdev = (void *)intercept_arg(regs, ARG_DEVICE);

	return dev_name(&hdev->device);
}

/* Without the module's name, errpath would not wait until the module is loaded. */
#if IS_MODULE(CONFIG_HYPERV) || IS_MODULE(CONFIG_HYPERV_VMBUS)
#define VMBUS	"hv_vmbus:"
#else
#define VMBUS	""
#endif

static struct errpath_function functions[] = {
	{
		.symbol = VMBUS "vmbus_allocate_mmio",
		.match = is_config_window,
		.device = device_name,
		.min_arg = ARG_MIN,
	},
	{}
};

struct errpath_point point_config_window = {
	.name = "config_window",
	.functions = functions,
	.default_errno = -ENXIO,
};
