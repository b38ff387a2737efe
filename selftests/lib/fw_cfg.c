// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fw_cfg.h"

/* QEMU's docs/specs/fw_cfg: keys, and the form of the directory. */
#define KEY_SIGNATURE	0x00
#define KEY_DIRECTORY	0x19

struct item {
	unsigned int size;		/* big endian */
	unsigned short key;		/* big endian */
	unsigned short reserved;
	char name[56];
};

#ifdef __x86_64__

#include <sys/io.h>

#define PORT_SELECT	0x510
#define PORT_DATA	0x511

static int device_open(void)
{
	return ioperm(PORT_SELECT, 2, 1) ? -errno : 0;
}

static void device_close(void)
{
	ioperm(PORT_SELECT, 2, 0);
}

static void item_select(unsigned int key)
{
	outw(key, PORT_SELECT);
}

static void item_read(void *data, size_t size)
{
	insb(PORT_DATA, data, size);
	/* glibc does not tell the compiler that insb() writes to memory. */
	asm volatile("" : : : "memory");
}

#else

/* Registers of QEMU's machine virt, and what the firmware's description of it has for them. */
#define REGISTERS	0x09020000
#define OFFSET_DATA	0
#define OFFSET_SELECT	8	/* big endian */

static const char * const descriptions[] = {
	"/sys/bus/acpi/devices/QEMU0002:00",
	"/sys/firmware/devicetree/base/fw-cfg@9020000",
};

static unsigned char *registers;

static int device_open(void)
{
	size_t size = getpagesize();
	void *mapped;
	int fd;

	if (access(descriptions[0], F_OK) && access(descriptions[1], F_OK))
		return -ENODEV;
	fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, REGISTERS);
	close(fd);
	if (mapped == MAP_FAILED)
		return -errno;
	registers = mapped;
	return 0;
}

static void device_close(void)
{
	munmap(registers, getpagesize());
}

static void item_select(unsigned int key)
{
	__atomic_store_n((unsigned short *)(registers + OFFSET_SELECT), htobe16(key),
			 __ATOMIC_RELAXED);
}

static void item_read(void *data, size_t size)
{
	for (unsigned char *byte = data; size; size--)
		*byte++ = __atomic_load_n(registers + OFFSET_DATA, __ATOMIC_RELAXED);
}

#endif

int fw_cfg_open(void)
{
	char signature[4];
	int err = device_open();

	if (err)
		return err;
	item_select(KEY_SIGNATURE);
	item_read(signature, sizeof(signature));
	if (!memcmp(signature, "QEMU", sizeof(signature)))
		return 0;
	fw_cfg_close();
	return -ENODEV;
}

void fw_cfg_close(void)
{
	device_close();
}

char *fw_cfg_read(const char *name)
{
	struct item item;
	unsigned int n;
	char *text;

	item_select(KEY_DIRECTORY);
	item_read(&n, sizeof(n));
	for (n = be32toh(n); n; n--) {
		item_read(&item, sizeof(item));
		if (!strncmp(item.name, name, sizeof(item.name)))
			break;
	}
	if (!n)
		return NULL;
	text = calloc(1, be32toh(item.size) + 1);
	if (!text)
		abort();
	item_select(be16toh(item.key));
	item_read(text, be32toh(item.size));
	return text;
}
