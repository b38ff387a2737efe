// SPDX-License-Identifier: GPL-2.0
/* Whether this is a virtual machine: CPUID, the firmware or the device tree say so. */
#include <string.h>

#include "command.h"
#include "lib/file.h"

#define DMI "/sys/class/dmi/id/"
#define TREE "/sys/firmware/devicetree/base/"

/* Of the vendors only those that make no hardware. */
static const struct sign {
	const char *file, *text;
} signs[] = {
	{ "/proc/cpuinfo", " hypervisor" },		/* x86: a flag of CPUID */
	{ DMI "sys_vendor", "QEMU" },
	{ DMI "sys_vendor", "VMware" },
	{ DMI "product_name", "KVM" },
	{ DMI "product_name", "Virtual Machine" },	/* Hyper-V */
	{ DMI "product_name", "VirtualBox" },
	{ DMI "product_name", "Apple Virtualization" },
	{ TREE "compatible", "linux,dummy-virt" },	/* QEMU's virt, kvmtool */
	{ TREE "hypervisor/compatible", "" },		/* Xen, KVM of powerpc */
};

static bool sign_is_there(const struct sign *sign)
{
	static char text[1 << 20];

	return file_read(sign->file, text, sizeof(text)) >= 0 && strstr(text, sign->text);
}

bool machine_is_virtual(void)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		if (sign_is_there(&signs[i]))
			return true;
	}
	return false;
}
