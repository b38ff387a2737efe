// SPDX-License-Identifier: GPL-2.0
/*
 * Windows that hv_vmbus finds by itself: its own code reads them from the ACPI
 * table (vmbus.asl) and looks for the framebuffer where a bootloader would have
 * left it, at screen_info's lfb_base, which is 0 as in a dump kernel.
 */
#include <linux/acpi.h>
#include <linux/efi.h>
#include <linux/errno.h>
#include <linux/pgtable.h>
#include <linux/platform_device.h>
#include <linux/printk.h>
#include <linux/screen_info.h>

#include "../../common/symbol.h"
#include "sim.h"

static struct device *vmbus_device;

/*
 * kCFI checks the type of an indirect call, and only functions whose address the
 * kernel itself takes have a type: call what hv_vmbus's driver struct refers to, by
 * its own type.
 */

static int call_platform_probe(void *function)
{
	int (*probe)(struct platform_device *pdev) = function;

	return probe(to_platform_device(vmbus_device));
}

static void call_platform_remove(void *function)
{
	void (*remove)(struct platform_device *pdev) = function;

	remove(to_platform_device(vmbus_device));
}

static int call_acpi_add(void *function)
{
	int (*add)(struct acpi_device *device) = function;

	return add(ACPI_COMPANION(vmbus_device));
}

static void call_acpi_remove(void *function)
{
	int (*remove)(struct acpi_device *device) = function;

	remove(ACPI_COMPANION(vmbus_device));
}

/**
 * struct way - the driver of the device "VMBUS": 6.1 has one for ACPI devices
 * @add: name of the driver's function that adds the device
 * @remove: name of the one that removes it
 * @call_add: calls @add by its type
 * @call_remove: calls @remove by its type
 */
struct way {
	const char *add;
	const char *remove;
	int (*call_add)(void *function);
	void (*call_remove)(void *function);
};

static const struct way ways[] = {
	{
		.add = SIM_VMBUS "vmbus_platform_driver_probe",
		.remove = SIM_VMBUS "vmbus_platform_driver_remove",
		.call_add = call_platform_probe,
		.call_remove = call_platform_remove,
	},
	{
		.add = SIM_VMBUS "vmbus_acpi_add",
		.remove = SIM_VMBUS "vmbus_acpi_remove",
		.call_add = call_acpi_add,
		.call_remove = call_acpi_remove,
	},
};

static const struct way *way;

static void *function(const char *name)
{
	unsigned long start;

	return symbol_start(name, &start) ? NULL : (void *)start;
}

static const struct way *find_way(void)
{
	const struct way *one;

	for (one = ways; one < ways + ARRAY_SIZE(ways); one++)
		if (function(one->add) && function(one->remove))
			return one;
	return NULL;
}

static struct screen_info *find_screen(void)
{
	unsigned long addr;

	if (symbol_address("screen_info", &addr) && symbol_address("sysfb_primary_display", &addr))
		return NULL;
	return (struct screen_info *)addr;
}

static bool is_writable(const void *where)
{
	unsigned int level;
	pte_t *entry = lookup_address((unsigned long)where, &level);

	return entry && pte_write(*entry);
}

/* A Hyper-V VM with a framebuffer, of generation 2, has booted by EFI. */
static int add(struct screen_info *screen, u32 fb_size)
{
	struct screen_info own_screen = *screen;
	unsigned long own_flags = efi.flags;
	int err;

	set_bit(EFI_BOOT, &efi.flags);
	screen->lfb_base = 0;
	screen->lfb_size = fb_size;
	err = way->call_add(function(way->add));
	*screen = own_screen;
	efi.flags = own_flags;
	return err;
}

/**
 * acpi_windows_open() - have hv_vmbus read its windows from ACPI
 * @fb_size: of the framebuffer that it does not find
 *
 * May sleep.
 *
 * Return: 0, or after a line in the kernel log -ENODEV (no such device, or no
 * such functions in this kernel), -EROFS (this kernel does not let us say that it
 * booted by EFI), or the error of hv_vmbus.
 */
int acpi_windows_open(u32 fb_size)
{
	struct screen_info *screen = find_screen();
	int err = -ENODEV;

	way = find_way();
	if (!way || !screen) {
		pr_err("this kernel's hv_vmbus does not read ACPI as known kernels do\n");
		return -ENODEV;
	}
	if (!is_writable(&efi)) {
		pr_err("this kernel's record of EFI is read-only\n");
		return -EROFS;
	}
	vmbus_device = bus_find_device_by_name(&platform_bus_type, NULL, "VMBUS:00");
	if (vmbus_device)
		err = add(screen, fb_size);
	else
		pr_err("ACPI has no VMBUS: start QEMU with -acpitable (vmbus.asl)\n");
	if (err)
		put_device(vmbus_device);
	return err;
}

/**
 * acpi_windows_close() - have hv_vmbus give them back
 *
 * May sleep.
 */
void acpi_windows_close(void)
{
	way->call_remove(function(way->remove));
	put_device(vmbus_device);
}
