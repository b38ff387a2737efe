// SPDX-License-Identifier: GPL-2.0
/*
 * The MMIO windows of the bus, one below and one above 4 GiB, and in the lower
 * one the framebuffer: what the host has there, and whether the guest knows.
 */
#include <linux/errno.h>
#include <linux/ioport.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>

#include "../../common/symbol.h"
#include "sim.h"

/* Where scripts/host/guest.py puts RAM that the kernel leaves alone. */
static ulong low_start = 0x50000000, low_size = 0x04000000;
static ulong high_start = 0x120000000, high_size = 0x04000000;
static ulong fb_start = 0x50000000, fb_size = 0x00800000;
static bool fb_reserved = true;

module_param(low_start, ulong, 0444);
MODULE_PARM_DESC(low_start, "start of the MMIO window below 4 GiB");
module_param(low_size, ulong, 0444);
MODULE_PARM_DESC(low_size, "its size, 0: there is none");
module_param(high_start, ulong, 0444);
MODULE_PARM_DESC(high_start, "start of the MMIO window above 4 GiB");
module_param(high_size, ulong, 0444);
MODULE_PARM_DESC(high_size, "its size, 0: there is none");
module_param(fb_start, ulong, 0444);
MODULE_PARM_DESC(fb_start, "where the host has the framebuffer");
module_param(fb_size, ulong, 0444);
MODULE_PARM_DESC(fb_size, "its size, 0: there is none");
module_param(fb_reserved, bool, 0444);
MODULE_PARM_DESC(fb_reserved, "the guest knows of it; N: as in a dump kernel");

static struct resource low = { .name = "hyperv mmio", .flags = IORESOURCE_MEM };
static struct resource high = { .name = "hyperv mmio", .flags = IORESOURCE_MEM };

/* hv_vmbus's own: the list of windows, and in the first the framebuffer. */
static struct resource **mmio, **framebuffer;

static bool fill(struct resource *window, unsigned long start, unsigned long size)
{
	window->start = start;
	window->end = start + size - 1;
	window->sibling = NULL;
	window->child = NULL;
	return size;
}

static struct resource *make_list(void)
{
	bool has_low = fill(&low, low_start, low_size);
	bool has_high = fill(&high, high_start, high_size);

	if (!has_low)
		return has_high ? &high : NULL;
	low.sibling = has_high ? &high : NULL;
	return &low;
}

static int find_variables(void)
{
	unsigned long addr[2];
	int err = symbol_address(SIM_VMBUS "hyperv_mmio", &addr[0]) ?:
		  symbol_address(SIM_VMBUS "fb_mmio", &addr[1]);

	if (err) {
		pr_err("this kernel's hv_vmbus has no hyperv_mmio or fb_mmio\n");
		return err;
	}
	mmio = (struct resource **)addr[0];
	framebuffer = (struct resource **)addr[1];
	return 0;
}

/**
 * windows_open() - give hv_vmbus its windows
 *
 * May sleep.
 *
 * Return: 0, -ENOENT (no such variables), or -EBUSY (it has some).
 */
int windows_open(void)
{
	int err = find_variables();

	if (err)
		return err;
	if (*mmio || *framebuffer) {
		pr_err("hv_vmbus has MMIO windows already\n");
		return -EBUSY;
	}
	*mmio = make_list();
	if (fb_reserved && fb_size && low_size)
		*framebuffer = __request_region(&low, fb_start, fb_size, "fb_range", 0);
	return 0;
}

/**
 * windows_close() - take them back; nothing is allocated in them any more
 *
 * May sleep.
 */
void windows_close(void)
{
	if (*framebuffer)
		__release_region(&low, fb_start, fb_size);
	*framebuffer = NULL;
	*mmio = NULL;
	if (low.child || high.child)
		pr_err("somebody did not give back MMIO space\n");
}

/**
 * windows_overlap_framebuffer() - would the host see its framebuffer covered
 * @start: of a range
 * @size: of it
 *
 * Any context.
 */
bool windows_overlap_framebuffer(u64 start, u64 size)
{
	return start < fb_start + fb_size && fb_start < start + size;
}
