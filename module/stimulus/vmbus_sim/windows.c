// SPDX-License-Identifier: GPL-2.0
/*
 * The MMIO windows of the bus, one below and one above 4 GiB, and in the lower
 * one the framebuffer: what the host has there, and whether the guest knows.
 * What the parameters say counts when a bus is offered and there is no other.
 */
#include <linux/errno.h>
#include <linux/ioport.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>

#include "../../common/symbol.h"
#include "sim.h"

struct settings {
	ulong low_start, low_size;
	ulong high_start, high_size;
	ulong fb_start, fb_size;
	bool fb_reserved;
	bool acpi;
};

/* Where scripts/host/guest.py puts RAM that the kernel leaves alone. */
#define DEFAULTS { \
	.low_start = 0x50000000, .low_size = 0x04000000, \
	.high_start = 0x120000000, .high_size = 0x04000000, \
	.fb_start = 0x50000000, .fb_size = 0x00800000, \
	.fb_reserved = true, \
}

static const struct settings defaults = DEFAULTS;
static struct settings now = DEFAULTS;

module_param_named(low_start, now.low_start, ulong, 0644);
MODULE_PARM_DESC(low_start, "start of the MMIO window below 4 GiB");
module_param_named(low_size, now.low_size, ulong, 0644);
MODULE_PARM_DESC(low_size, "its size, 0: there is none");
module_param_named(high_start, now.high_start, ulong, 0644);
MODULE_PARM_DESC(high_start, "start of the MMIO window above 4 GiB");
module_param_named(high_size, now.high_size, ulong, 0644);
MODULE_PARM_DESC(high_size, "its size, 0: there is none");
module_param_named(fb_start, now.fb_start, ulong, 0644);
MODULE_PARM_DESC(fb_start, "where the host has the framebuffer");
module_param_named(fb_size, now.fb_size, ulong, 0644);
MODULE_PARM_DESC(fb_size, "its size, 0: there is none");
module_param_named(fb_reserved, now.fb_reserved, bool, 0644);
MODULE_PARM_DESC(fb_reserved, "the guest knows of it; N: as in a dump kernel");
module_param_named(acpi, now.acpi, bool, 0644);
MODULE_PARM_DESC(acpi, "Y: hv_vmbus reads the windows from ACPI, and finds no framebuffer");

static struct resource low = { .name = "hyperv mmio", .flags = IORESOURCE_MEM };
static struct resource high = { .name = "hyperv mmio", .flags = IORESOURCE_MEM };

/* hv_vmbus's own: the list of windows, and in the first the framebuffer. */
static struct resource **mmio, **framebuffer;

static bool is_below(unsigned long start, unsigned long size, unsigned long last)
{
	return !size || (start <= last && size - 1 <= last - start);
}

/* acpi_windows_open() and the guest's driver take 32 bits of some of them. */
static int check_settings(void)
{
	if (now.fb_size <= U32_MAX && is_below(now.fb_start, now.fb_size, ULONG_MAX) &&
	    is_below(now.low_start, now.low_size, U32_MAX) &&
	    is_below(now.high_start, now.high_size, ULONG_MAX))
		return 0;
	pr_err("a window or the framebuffer is too large for its address\n");
	return -EINVAL;
}

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
	bool has_low = fill(&low, now.low_start, now.low_size);
	bool has_high = fill(&high, now.high_start, now.high_size);

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

static int open_simulated(void)
{
	struct resource *list = make_list(), *fb = NULL;

	if (now.fb_reserved && now.fb_size && now.low_size) {
		fb = __request_region(&low, now.fb_start, now.fb_size, "fb_range", 0);
		if (!fb) {
			pr_err("the framebuffer is not within the lower window\n");
			return -EINVAL;
		}
	}
	*mmio = list;
	*framebuffer = fb;
	return 0;
}

static void close_simulated(void)
{
	if (*framebuffer)
		__release_region(&low, (*framebuffer)->start, resource_size(*framebuffer));
	if (low.child || high.child)
		pr_err("somebody did not give back MMIO space\n");
}

/* What takes the windows back; NULL: there are none of ours. */
static void (*close)(void);

/**
 * windows_open() - give hv_vmbus its windows
 *
 * May sleep.
 *
 * Return: 0, -EINVAL (the parameters describe no such windows), -ENOENT (no such
 * variables), -EBUSY (it has some), or an error of acpi_windows_open().
 */
int windows_open(void)
{
	int err = check_settings() ?: find_variables();

	if (err)
		return err;
	if (*mmio || *framebuffer) {
		pr_err("hv_vmbus has MMIO windows already\n");
		return -EBUSY;
	}
	err = now.acpi ? acpi_windows_open(now.fb_size) : open_simulated();
	if (!err)
		close = now.acpi ? acpi_windows_close : close_simulated;
	return err;
}

/**
 * windows_close() - take them back; nothing is allocated in them any more
 *
 * May sleep.
 */
void windows_close(void)
{
	if (!close)
		return;
	close();
	close = NULL;
	*framebuffer = NULL;
	*mmio = NULL;
}

/* Any resource below @parent whose name is this very text. */
static struct resource *find_named(struct resource *parent, const char *name)
{
	struct resource *one, *found;

	for (one = parent->child; one; one = one->sibling) {
		if (one->name == name)
			return one;
		found = find_named(one, name);
		if (found)
			return found;
	}
	return NULL;
}

/**
 * windows_release_left() - release what a driver left in /proc/iomem
 * @name: the name of its device, which is about to be freed
 *
 * The kernel's windows for BARs outlive a probe that fails between the two, and
 * would name their device for ever. May sleep. Nobody else changes the tree near
 * that address meanwhile, for it is below RAM that the kernel leaves alone.
 */
void windows_release_left(const char *name)
{
	struct resource *left;

	while ((left = find_named(&iomem_resource, name))) {
		pr_notice("the driver left %pR: released\n", left);
		left->flags |= IORESOURCE_BUSY;
		release_mem_region(left->start, resource_size(left));
	}
}

/**
 * windows_reset() - parameters as when none is given
 */
void windows_reset(void)
{
	now = defaults;
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
	return start < now.fb_start + now.fb_size && now.fb_start < start + size;
}
