// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's accesses to config space. The driver reads and writes through its config
 * window, which is RAM here and cannot react. Therefore its two access functions are
 * intercepted at their entry: before a read, the contents of the function's config space are
 * copied into the window; before a write, the value is stored in the config space.
 *
 * The callers of these functions never run at the same time: the PCI core holds pci_lock, and
 * the driver's own access to BARs comes before there is a PCI bus.
 */
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>

#include "sim.h"

#define CONFIG_PAGE	0x1000		/* offset of the second page of the window */

/*
 * The driver's struct for a function is private to it, but its first bytes include the
 * description that the host sent. The serial number in that names the function.
 */
#define DESC_WITHIN	128

static const struct sim_description *access_find_description(const u8 *driver_data)
{
	const struct sim_description *desc;
	unsigned int at;

	for (at = 0; at + sizeof(*desc) <= DESC_WITHIN; at += sizeof(u32)) {
		desc = (const void *)(driver_data + at);
		if (desc->vendor == SIM_VENDOR && desc->device == SIM_DEVICE &&
		    (desc->serial & SIM_SERIAL_MASK) == SIM_SERIAL)
			return desc;
	}
	return NULL;
}

/* The bus outlives the call, because the driver that calls is bound to it. */
static struct sim_function *access_find_function(const void *driver_data, struct sim_bus **bus)
{
	const struct sim_description *desc = access_find_description(driver_data);

	if (!desc)
		return NULL;
	*bus = bus_find(desc->serial >> 8 & 0xff);
	if (!*bus || !(*bus)->window)
		return NULL;
	return &(*bus)->functions[desc->slot % SIM_MAX_FUNCTIONS];
}

static bool access_is_inside(unsigned int where, unsigned int size)
{
	return where < SIM_CONFIG_SIZE && size <= SIM_CONFIG_SIZE - where;
}

/* void (driver_data, int where, int size, u32 *value) */
static void __kprobes access_on_read(struct intercept *ic, struct arch_regs *regs,
				     unsigned long caller)
{
	unsigned int where = intercept_arg(regs, 1), size = intercept_arg(regs, 2);
	const struct sim_function *function;
	struct sim_bus *bus;

	function = access_find_function((void *)intercept_arg(regs, 0), &bus);
	if (function && access_is_inside(where, size))
		memcpy_toio(bus->window + CONFIG_PAGE + where, &function->config[where], size);
}

/* void (driver_data, int where, int size, u32 value) */
static void __kprobes access_on_write(struct intercept *ic, struct arch_regs *regs,
				      unsigned long caller)
{
	unsigned int where = intercept_arg(regs, 1), size = intercept_arg(regs, 2);
	struct sim_function *function;
	struct sim_bus *bus;

	function = access_find_function((void *)intercept_arg(regs, 0), &bus);
	if (function && access_is_inside(where, size))
		config_write(function, where, size, intercept_arg(regs, 3));
}

static struct intercept reads = {
	.symbol = SIM_PCI "_hv_pcifront_read_config",
	.handler = access_on_read,
};

static struct intercept writes = {
	.symbol = SIM_PCI "_hv_pcifront_write_config",
	.handler = access_on_write,
};

static struct intercept *accesses[] = { &reads, &writes };

/**
 * access_intercept() - intercept the driver's accesses to config space
 *
 * May sleep.
 *
 * Return: 0 or an error of intercept_install_all().
 */
int access_intercept(void)
{
	return intercept_install_all(accesses, ARRAY_SIZE(accesses));
}

/**
 * access_restore() - undo access_intercept()
 *
 * May sleep.
 */
void access_restore(void)
{
	intercept_remove_all(accesses, ARRAY_SIZE(accesses));
}
