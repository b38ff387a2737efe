// SPDX-License-Identifier: GPL-2.0
/*
 * Config space of the functions. The guest's driver reads and writes it through
 * its window, which is RAM here and cannot answer by itself. So just before the
 * driver reads, what the function would say is put there; and what it writes is
 * looked at just before it does. Both happen at the entry of the driver's
 * functions, whose callers take turns: the PCI core, under pci_lock, and the
 * driver's own placing of BARs, before there is a bus.
 */
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kstrtox.h>
#include <linux/log2.h>
#include <linux/moduleparam.h>
#include <linux/pci_ids.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "sim.h"

#define VENDOR		0x1414
#define DEVICE		0xe44f
#define SERIAL		0x51510000	/* and in the low half bus and slot */
#define SERIAL_MASK	0xffff0000
#define CONFIG_PAGE	0x1000		/* the second page of the window */
#define MSI		0x50		/* offset of its MSI capability */
#define LOW_BAR		0		/* 32 bits, in the low MMIO window */
#define HIGH_BAR	2		/* 64 bits, in the high one */

#define LOW_BAR_SIZE	SZ_16K
#define HIGH_BAR_SIZE	SZ_64K

static unsigned long low_bar = LOW_BAR_SIZE, high_bar = HIGH_BAR_SIZE;

/* A BAR of 32 bits cannot express more than 2 GiB. */
static int set_bar_size(const char *value, const struct kernel_param *param)
{
	unsigned long size, max = param->arg == &low_bar ? SZ_2G : BIT(BITS_PER_LONG - 1);

	if (kstrtoul(value, 0, &size))
		return -EINVAL;
	if (size && (size < SZ_4K || size > max || !is_power_of_2(size)))
		return -EINVAL;
	*(unsigned long *)param->arg = size;
	return 0;
}

static const struct kernel_param_ops bar_ops = { .set = set_bar_size, .get = param_get_ulong };

module_param_cb(low_bar, &bar_ops, &low_bar, 0644);
MODULE_PARM_DESC(low_bar, "size of a function's BAR below 4 GiB, 0: none");
module_param_cb(high_bar, &bar_ops, &high_bar, 0644);
MODULE_PARM_DESC(high_bar, "size of a function's BAR above 4 GiB, 0: none");

static void put16(u8 *bytes, u16 value)
{
	__le16 little = cpu_to_le16(value);

	memcpy(bytes, &little, sizeof(little));
}

static void put32(u8 *bytes, u32 value)
{
	__le32 little = cpu_to_le32(value);

	memcpy(bytes, &little, sizeof(little));
}

static u32 get32(const u8 *bytes)
{
	__le32 little;

	memcpy(&little, bytes, sizeof(little));
	return le32_to_cpu(little);
}

static void set_bar(struct sim_function *function, unsigned int bar, u32 value, u32 writable)
{
	unsigned int where = PCI_BASE_ADDRESS_0 + 4 * bar;

	put32(&function->config[where], value);
	put32(&function->writable[where], writable);
}

static void set_bars(struct sim_function *function)
{
	u64 high = ~(u64)(READ_ONCE(high_bar) - 1);

	if (low_bar)
		set_bar(function, LOW_BAR, PCI_BASE_ADDRESS_MEM_TYPE_32, ~(low_bar - 1));
	if (high_bar) {
		set_bar(function, HIGH_BAR, PCI_BASE_ADDRESS_MEM_TYPE_64, high);
		set_bar(function, HIGH_BAR + 1, 0, high >> 32);
	}
}

/* One vector, 64-bit address, no mask bits. */
static void set_msi(struct sim_function *function)
{
	u8 *config = function->config, *writable = function->writable;

	put16(&config[PCI_STATUS], PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = MSI;
	config[MSI] = PCI_CAP_ID_MSI;
	put16(&config[MSI + PCI_MSI_FLAGS], PCI_MSI_FLAGS_64BIT);
	put16(&writable[MSI + PCI_MSI_FLAGS], PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	put32(&writable[MSI + PCI_MSI_ADDRESS_LO], ~3);
	put32(&writable[MSI + PCI_MSI_ADDRESS_HI], ~0);
	put16(&writable[MSI + PCI_MSI_DATA_64], ~0);
}

/**
 * config_reset() - as after power-on
 * @function: the function
 * @bus: number of its bus
 * @slot: where on that
 */
void config_reset(struct sim_function *function, unsigned int bus, unsigned int slot)
{
	memset(function, 0, sizeof(*function));
	function->desc = (struct sim_description) {
		.vendor = VENDOR,
		.device = DEVICE,
		.class = PCI_BASE_CLASS_SYSTEM,
		.subclass = 0x80,
		.subsystem = DEVICE << 16 | VENDOR,
		.slot = slot,
		.serial = SERIAL | bus << 8 | slot,
	};
	put16(&function->config[PCI_VENDOR_ID], VENDOR);
	put16(&function->config[PCI_DEVICE_ID], DEVICE);
	put16(&function->writable[PCI_COMMAND],
	      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	function->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	function->writable[PCI_INTERRUPT_LINE] = 0xff;
	set_bars(function);
	set_msi(function);
}

/**
 * config_requirements() - what reading the BARs after writing ones to them gives
 * @function: the function
 * @bars: filled
 */
void config_requirements(const struct sim_function *function, u32 bars[PCI_STD_NUM_BARS])
{
	unsigned int bar, where;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		where = PCI_BASE_ADDRESS_0 + 4 * bar;
		bars[bar] = get32(&function->writable[where]);
		if (bars[bar])
			bars[bar] |= function->config[where] & ~PCI_BASE_ADDRESS_MEM_MASK;
	}
}

/*
 * The driver's struct for a function is its own; near its beginning it holds
 * what we told of the function, and the serial number in that says which it is.
 */
#define DESC_WITHIN	128

static const struct sim_description *find_description(const u8 *driver_data)
{
	const struct sim_description *desc;
	unsigned int at;

	for (at = 0; at + sizeof(*desc) <= DESC_WITHIN; at += sizeof(u32)) {
		desc = (const void *)(driver_data + at);
		if (desc->vendor == VENDOR && desc->device == DEVICE &&
		    (desc->serial & SERIAL_MASK) == SERIAL)
			return desc;
	}
	return NULL;
}

/* The bus outlives the call: a driver that is bound to it made that. */
static struct sim_function *find_function(const void *driver_data, struct sim_bus **bus)
{
	const struct sim_description *desc = find_description(driver_data);

	if (!desc)
		return NULL;
	*bus = bus_find(desc->serial >> 8 & 0xff);
	if (!*bus || !(*bus)->window)
		return NULL;
	return &(*bus)->functions[desc->slot % SIM_MAX_FUNCTIONS];
}

static bool is_inside(unsigned int where, unsigned int size)
{
	return where < SIM_CONFIG_SIZE && size <= SIM_CONFIG_SIZE - where;
}

/**
 * config_defaults() - parameters as when none is given
 */
void config_defaults(void)
{
	low_bar = LOW_BAR_SIZE;
	high_bar = HIGH_BAR_SIZE;
}

/* void (driver_data, int where, int size, u32 *value) */
static void __kprobes on_read(struct intercept *ic, struct pt_regs *regs, unsigned long caller)
{
	unsigned int where = intercept_arg(regs, 1), size = intercept_arg(regs, 2);
	const struct sim_function *function;
	struct sim_bus *bus;

	function = find_function((void *)intercept_arg(regs, 0), &bus);
	if (function && is_inside(where, size))
		memcpy_toio(bus->window + CONFIG_PAGE + where, &function->config[where], size);
}

/* void (driver_data, int where, int size, u32 value) */
static void __kprobes on_write(struct intercept *ic, struct pt_regs *regs, unsigned long caller)
{
	unsigned int where = intercept_arg(regs, 1), size = intercept_arg(regs, 2);
	u32 value = intercept_arg(regs, 3);
	struct sim_function *function;
	struct sim_bus *bus;

	function = find_function((void *)intercept_arg(regs, 0), &bus);
	if (!function || !is_inside(where, size))
		return;
	for (; size--; where++, value >>= 8)
		function->config[where] = (function->config[where] & ~function->writable[where]) |
					  (value & function->writable[where]);
}

static struct intercept reads = {
	.symbol = SIM_PCI "_hv_pcifront_read_config",
	.handler = on_read,
};

static struct intercept writes = {
	.symbol = SIM_PCI "_hv_pcifront_write_config",
	.handler = on_write,
};

static struct intercept *accesses[] = { &reads, &writes };

/**
 * config_intercept() - see the driver's accesses from now on
 *
 * May sleep.
 *
 * Return: 0 or an error of intercept_install_all().
 */
int config_intercept(void)
{
	return intercept_install_all(accesses, ARRAY_SIZE(accesses));
}

/**
 * config_restore() - no more
 *
 * May sleep.
 */
void config_restore(void)
{
	intercept_remove_all(accesses, ARRAY_SIZE(accesses));
}
