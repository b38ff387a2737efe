// SPDX-License-Identifier: GPL-2.0
/*
 * The MMIO windows of the VMBus, one below and one above 4 GiB, and the framebuffer in the lower
 * one: where the host has it, and whether the guest knows of it. The module parameters take
 * effect when a bus is offered while no other bus is.
 */
#include <linux/errno.h>
#include <linux/ioport.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>

#include "../../common/symbol.h"
#include "sim.h"

struct window_settings {
	ulong low_start, low_size;
	ulong high_start, high_size;
	ulong fb_start, fb_size;
	bool fb_reserved;
	bool acpi;
};

/* scripts/host/guest.py reserves RAM at these addresses by memmap=. */
#define DEFAULTS { \
	.low_start = 0x50000000, .low_size = 0x04000000, \
	.high_start = 0x120000000, .high_size = 0x04000000, \
	.fb_start = 0x50000000, .fb_size = 0x00800000, \
	.fb_reserved = true, \
}

static const struct window_settings defaults = DEFAULTS;
static struct window_settings now = DEFAULTS;

module_param_named(low_start, now.low_start, ulong, 0644);
MODULE_PARM_DESC(low_start, "start of the MMIO window below 4 GiB");
module_param_named(low_size, now.low_size, ulong, 0644);
MODULE_PARM_DESC(low_size, "size of the MMIO window below 4 GiB, 0: none");
module_param_named(high_start, now.high_start, ulong, 0644);
MODULE_PARM_DESC(high_start, "start of the MMIO window above 4 GiB");
module_param_named(high_size, now.high_size, ulong, 0644);
MODULE_PARM_DESC(high_size, "size of the MMIO window above 4 GiB, 0: none");
module_param_named(fb_start, now.fb_start, ulong, 0644);
MODULE_PARM_DESC(fb_start, "address of the host's framebuffer");
module_param_named(fb_size, now.fb_size, ulong, 0644);
MODULE_PARM_DESC(fb_size, "size of the framebuffer, 0: none");
module_param_named(fb_reserved, now.fb_reserved, bool, 0644);
MODULE_PARM_DESC(fb_reserved, "N: the guest does not reserve the framebuffer, as a dump kernel");
module_param_named(acpi, now.acpi, bool, 0644);
MODULE_PARM_DESC(acpi, "Y: hv_vmbus reads the windows from ACPI and finds no framebuffer");

static struct resource low = { .name = "hyperv mmio", .flags = IORESOURCE_MEM };
static struct resource high = { .name = "hyperv mmio", .flags = IORESOURCE_MEM };

/* Variables of hv_vmbus: the list of windows, and the framebuffer in the first window. */
static struct resource **mmio, **framebuffer;

static bool window_fits(unsigned long start, unsigned long size, unsigned long last)
{
	return !size || (start <= last && size - 1 <= last - start);
}

/* The low window and the size of the framebuffer are 32-bit numbers for the guest. */
static int windows_check(void)
{
	if (now.fb_size <= U32_MAX && window_fits(now.fb_start, now.fb_size, ULONG_MAX) &&
	    window_fits(now.low_start, now.low_size, U32_MAX) &&
	    window_fits(now.high_start, now.high_size, ULONG_MAX))
		return 0;
	pr_err("a window or the framebuffer ends above its limit: lower its start or size\n");
	return -EINVAL;
}

static bool window_fill(struct resource *window, unsigned long start, unsigned long size)
{
	window->start = start;
	window->end = start + size - 1;
	window->sibling = NULL;
	window->child = NULL;
	return size;
}

static struct resource *windows_list(void)
{
	bool has_low = window_fill(&low, now.low_start, now.low_size);
	bool has_high = window_fill(&high, now.high_start, now.high_size);

	if (!has_low)
		return has_high ? &high : NULL;
	low.sibling = has_high ? &high : NULL;
	return &low;
}

static int windows_find_variables(void)
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

static int windows_open_simulated(void)
{
	struct resource *list = windows_list(), *fb = NULL;

	if (now.fb_reserved && now.fb_size && now.low_size) {
		fb = __request_region(&low, now.fb_start, now.fb_size, "fb_range", 0);
		if (!fb) {
			pr_err("the framebuffer is not in the lower window: change fb_start\n");
			return -EINVAL;
		}
	}
	*mmio = list;
	*framebuffer = fb;
	return 0;
}

static void windows_close_simulated(void)
{
	if (*framebuffer)
		__release_region(&low, (*framebuffer)->start, resource_size(*framebuffer));
	if (low.child || high.child)
		pr_err("MMIO space is still allocated: a driver did not free it\n");
}

/* Undoes windows_set(); NULL: no windows are set. */
static void (*windows_undo)(void);

/* True from windows_open() to windows_close(), while hv_vmbus is loaded or built in. */
static bool is_open;

static int windows_set(void)
{
	int err;

	err = windows_check();
	if (err)
		return err;
	err = windows_find_variables();
	if (err)
		return err;
	if (*mmio || *framebuffer) {
		pr_err("hv_vmbus has MMIO windows already: it found a real VMBus\n");
		return -EBUSY;
	}
	err = now.acpi ? acpi_windows_open(now.fb_size) : windows_open_simulated();
	if (!err)
		windows_undo = now.acpi ? acpi_windows_close : windows_close_simulated;
	return err;
}

static void windows_unset(void)
{
	if (!windows_undo)
		return;
	windows_undo();
	windows_undo = NULL;
	*framebuffer = NULL;
	*mmio = NULL;
}

/**
 * windows_open() - give hv_vmbus its windows
 *
 * May sleep.
 *
 * Return: 0, -EINVAL (wrong parameters), -ENOENT (this kernel's hv_vmbus has no such variables),
 * -EBUSY (hv_vmbus has windows already), or an error of acpi_windows_open().
 */
int windows_open(void)
{
	int err = windows_set();

	is_open = !err;
	return err;
}

/**
 * windows_reopen() - set the windows again, as the parameters are now
 *
 * No MMIO space may be allocated. Without hv_vmbus this does nothing. May sleep.
 *
 * Return: 0 or an error as of windows_open().
 */
int windows_reopen(void)
{
	if (!is_open)
		return 0;
	windows_unset();
	return windows_set();
}

/**
 * windows_close() - take the windows back
 *
 * No MMIO space may be allocated. May sleep.
 */
void windows_close(void)
{
	windows_unset();
	is_open = false;
}

/* Find a resource below @parent whose name is @name itself, the pointer. */
static struct resource *resource_find_named(struct resource *parent, const char *name)
{
	struct resource *one, *found;

	for (one = parent->child; one; one = one->sibling) {
		if (one->name == name)
			return one;
		found = resource_find_named(one, name);
		if (found)
			return found;
	}
	return NULL;
}

/**
 * windows_release_left() - release the resources that a driver left in /proc/iomem
 * @name: name of the driver's device, as the resources have it; about to be freed
 *
 * If the driver's probe fails between its two windows for BARs, the first one stays in the
 * resource tree and refers to the name of the device. May sleep. Nothing else changes the tree
 * at these addresses, because they lie in reserved RAM.
 */
void windows_release_left(const char *name)
{
	struct resource *left;

	while ((left = resource_find_named(&iomem_resource, name))) {
		pr_notice("the driver left %pR: released\n", left);
		left->flags |= IORESOURCE_BUSY;
		release_mem_region(left->start, resource_size(left));
	}
}

/**
 * windows_defaults() - set the module parameters of this file to their defaults
 */
void windows_defaults(void)
{
	now = defaults;
}

/**
 * windows_overlap_framebuffer() - check whether a range overlaps the host's framebuffer
 * @start: start of the range
 * @size: size of the range
 *
 * Any context.
 *
 * Return: true if it does.
 */
bool windows_overlap_framebuffer(u64 start, u64 size)
{
	return start < now.fb_start + now.fb_size && now.fb_start < start + size;
}
