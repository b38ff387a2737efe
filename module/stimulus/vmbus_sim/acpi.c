// SPDX-License-Identifier: GPL-2.0
/*
 * Windows that hv_vmbus finds by itself: its own code reads them from the ACPI table that QEMU
 * got (vmbus.asl), and looks for the framebuffer at screen_info's lfb_base, which is 0 here, as
 * in a dump kernel.
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
 * kCFI checks the type of an indirect call, and only functions whose address the kernel itself
 * takes have a type. Therefore call the functions that hv_vmbus's driver struct refers to, each
 * by its own type.
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
 * struct vmbus_driver - the driver of ACPI's device "VMBUS", an ACPI driver in 6.1
 * @add: name of the driver's function that adds the device
 * @remove: name of the driver's function that removes the device
 * @call_add: calls @add by its type
 * @call_remove: calls @remove by its type
 */
struct vmbus_driver {
	const char *add;
	const char *remove;
	int (*call_add)(void *function);
	void (*call_remove)(void *function);
};

static const struct vmbus_driver drivers[] = {
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

static const struct vmbus_driver *vmbus_driver;

static void *function_by_name(const char *name)
{
	unsigned long start;

	return symbol_start(name, &start) ? NULL : (void *)start;
}

static const struct vmbus_driver *vmbus_driver_find(void)
{
	const struct vmbus_driver *driver;

	for (driver = drivers; driver < drivers + ARRAY_SIZE(drivers); driver++)
		if (function_by_name(driver->add) && function_by_name(driver->remove))
			return driver;
	return NULL;
}

static struct screen_info *screen_info_find(void)
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

/*
 * Let the driver add the device. A Hyper-V VM of generation 2, which has a framebuffer, boots by
 * EFI: pretend that meanwhile.
 */
static int vmbus_driver_add(struct screen_info *screen, u32 fb_size)
{
	struct screen_info saved_screen = *screen;
	unsigned long saved_flags = efi.flags;
	int err;

	set_bit(EFI_BOOT, &efi.flags);
	screen->lfb_base = 0;
	screen->lfb_size = fb_size;
	err = vmbus_driver->call_add(function_by_name(vmbus_driver->add));
	*screen = saved_screen;
	efi.flags = saved_flags;
	return err;
}

/**
 * acpi_windows_open() - let hv_vmbus read its windows from ACPI
 * @fb_size: size of the framebuffer that hv_vmbus does not find
 *
 * May sleep.
 *
 * Return: 0, or after a line in the kernel log -ENODEV (no such device, or this kernel lacks the
 * functions), -EROFS (the kernel's EFI flags are read-only), or the error of hv_vmbus.
 */
int acpi_windows_open(u32 fb_size)
{
	struct screen_info *screen = screen_info_find();
	int err = -ENODEV;

	vmbus_driver = vmbus_driver_find();
	if (!vmbus_driver || !screen) {
		pr_err("hv_vmbus has no known function that reads ACPI: use acpi=N\n");
		return -ENODEV;
	}
	if (!is_writable(&efi)) {
		pr_err("the EFI flags of this kernel are read-only: use acpi=N\n");
		return -EROFS;
	}
	vmbus_device = bus_find_device_by_name(&platform_bus_type, NULL, "VMBUS:00");
	if (vmbus_device)
		err = vmbus_driver_add(screen, fb_size);
	else
		pr_err("ACPI has no device VMBUS: start QEMU with -acpitable (vmbus.asl)\n");
	if (err)
		put_device(vmbus_device);
	return err;
}

/**
 * acpi_windows_close() - let hv_vmbus remove the windows
 *
 * May sleep.
 */
void acpi_windows_close(void)
{
	vmbus_driver->call_remove(function_by_name(vmbus_driver->remove));
	put_device(vmbus_device);
}
