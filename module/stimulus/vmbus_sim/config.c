// SPDX-License-Identifier: GPL-2.0
/* Contents of the config space of the functions: IDs, two BARs, an MSI capability. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kstrtox.h>
#include <linux/log2.h>
#include <linux/moduleparam.h>
#include <linux/pci_ids.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "sim.h"

#define MSI		0x50		/* offset of the MSI capability */
#define LOW_BAR		0		/* 32 bits, in the low MMIO window */
#define HIGH_BAR	2		/* 64 bits, in the high MMIO window */

#define LOW_BAR_SIZE	SZ_16K
#define HIGH_BAR_SIZE	SZ_64K

static unsigned long low_bar = LOW_BAR_SIZE, high_bar = HIGH_BAR_SIZE;

/* A BAR of 32 bits can be 2 GiB at most. */
static int bar_size_set(const char *value, const struct kernel_param *param)
{
	unsigned long size, max = param->arg == &low_bar ? SZ_2G : BIT(BITS_PER_LONG - 1);

	if (kstrtoul(value, 0, &size))
		return -EINVAL;
	if (size && (size < SZ_4K || size > max || !is_power_of_2(size)))
		return -EINVAL;
	*(unsigned long *)param->arg = size;
	return 0;
}

static const struct kernel_param_ops bar_size_ops = {
	.set = bar_size_set,
	.get = param_get_ulong,
};

module_param_cb(low_bar, &bar_size_ops, &low_bar, 0644);
MODULE_PARM_DESC(low_bar, "size of the BAR of each function below 4 GiB, 0: none");
module_param_cb(high_bar, &bar_size_ops, &high_bar, 0644);
MODULE_PARM_DESC(high_bar, "size of the BAR of each function above 4 GiB, 0: none");

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

static void config_set_bar(struct sim_function *function, unsigned int bar, u32 value, u32 writable)
{
	unsigned int where = PCI_BASE_ADDRESS_0 + 4 * bar;

	put32(&function->config[where], value);
	put32(&function->writable[where], writable);
}

static void config_set_bars(struct sim_function *function)
{
	u64 high = ~(u64)(READ_ONCE(high_bar) - 1);

	if (low_bar)
		config_set_bar(function, LOW_BAR, PCI_BASE_ADDRESS_MEM_TYPE_32, ~(low_bar - 1));
	if (high_bar) {
		config_set_bar(function, HIGH_BAR, PCI_BASE_ADDRESS_MEM_TYPE_64, high);
		config_set_bar(function, HIGH_BAR + 1, 0, high >> 32);
	}
}

/* One vector, 64-bit address, no mask bits. */
static void config_set_msi(struct sim_function *function)
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
 * config_reset() - set a function to its state after power-on
 * @function: the function
 * @bus: number of its bus
 * @slot: its slot on the bus
 */
void config_reset(struct sim_function *function, unsigned int bus, unsigned int slot)
{
	memset(function, 0, sizeof(*function));
	function->desc = (struct sim_description) {
		.vendor = SIM_VENDOR,
		.device = SIM_DEVICE,
		.class = PCI_BASE_CLASS_SYSTEM,
		.subclass = 0x80,
		.subsystem = SIM_DEVICE << 16 | SIM_VENDOR,
		.slot = slot,
		.serial = SIM_SERIAL | bus << 8 | slot,
	};
	put16(&function->config[PCI_VENDOR_ID], SIM_VENDOR);
	put16(&function->config[PCI_DEVICE_ID], SIM_DEVICE);
	put16(&function->writable[PCI_COMMAND],
	      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	function->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	function->writable[PCI_INTERRUPT_LINE] = 0xff;
	config_set_bars(function);
	config_set_msi(function);
}

/**
 * config_requirements() - get the values that a driver reads after writing ones to the BARs
 * @function: the function
 * @bars: receives the values
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

/**
 * config_defaults() - set the module parameters of this file to their defaults
 */
void config_defaults(void)
{
	low_bar = LOW_BAR_SIZE;
	high_bar = HIGH_BAR_SIZE;
}

/**
 * config_write() - write to the config space of a function
 * @function: the function
 * @where: offset, within the config space
 * @size: number of bytes, all within the config space
 * @value: value to be written; bits that are not writable are ignored
 *
 * Any context.
 */
void __kprobes config_write(struct sim_function *function, unsigned int where, unsigned int size,
			    u32 value)
{
	for (; size--; where++, value >>= 8)
		function->config[where] = (function->config[where] & ~function->writable[where]) |
					  (value & function->writable[where]);
}
