// SPDX-License-Identifier: GPL-2.0
/*
 * DAX: no memory for the memmap of a part of the device: when device DAX maps it, when a file
 * system can be on it (fsdax), and when it becomes RAM (kmem).
 */
#include "point.h"

static struct errpath_function functions[] = {
	{ .symbol = "__populate_section_memmap" },
	{}
};

/* Without the module's name, errpath would not wait until the module is loaded. */
#if IS_MODULE(CONFIG_DEV_DAX)
#define DEVICE_DAX	"stack:device_dax:dev_dax_probe"
#else
#define DEVICE_DAX	"stack:dev_dax_probe"
#endif
#if IS_MODULE(CONFIG_DEV_DAX_KMEM)
#define KMEM		"stack:kmem:dev_dax_kmem_probe"
#else
#define KMEM		"stack:dev_dax_kmem_probe"
#endif
#if IS_MODULE(CONFIG_BLK_DEV_PMEM)
#define PMEM		"stack:nd_pmem:nd_pmem_probe"
#else
#define PMEM		"stack:nd_pmem_probe"
#endif

struct errpath_point point_dax_memmap = {
	.name = "dax_memmap",
	.functions = functions,
	.default_caller = DEVICE_DAX " " KMEM " " PMEM,
};
