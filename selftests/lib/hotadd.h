/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HOTADD_H
#define LIB_HOTADD_H

#include <stdbool.h>

/*
 * Real memory that the host gives to this guest and takes away again. The drivers of the kernel
 * add and remove it, in kernel threads.
 */

/*
 * Plugs a DIMM of @size bytes by ACPI; 0: unplugs it. Returns 0, -EIO (the kernel refused the
 * DIMM), -EBUSY (it does not release it), or another -errno; an error is printed.
 */
int hotadd_dimm(unsigned long size);

/*
 * Resizes the virtio-mem device to @size bytes. Returns 0, -ENOMEM (the driver failed, and tries
 * again much later or after the next request), or another -errno; an error is printed.
 */
int hotadd_virtio_mem(unsigned long size);

/* A way to add memory, for tests that try all of them. */
struct hotadd {
	const char *name;
	const char *operation;
	const char *driver;	/* its directory in sysfs */
	int (*resize)(unsigned long size);
	int when_refused;	/* what resize() returns when the kernel fails */
};

extern const struct hotadd hotadd_by_dimm, hotadd_by_virtio_mem;

/* Returns whether memory that is added can carry its own memmap. */
bool hotadd_carries_memmap(void);

/*
 * Returns how much MemTotal grows by when @by adds @size bytes and they come online, in bytes: all
 * of it, or without the memmap if memory carries its own (memory_hotplug.memmap_on_memory), which
 * only the driver of a DIMM asks for.
 */
unsigned long hotadd_usable(const struct hotadd *by, unsigned long size);

/* Loads the driver. Returns why this guest cannot get memory, or NULL. */
const char *hotadd_unavailable(const struct hotadd *by);

/* The setting that hotadd_prepare() changed; all zero: it was not called. */
struct hotadd_before {
	char online[32];
};

/*
 * Sets whether new memory becomes "online_movable", so that it can be removed again, or stays
 * "offline". Returns 0 or -errno.
 */
int hotadd_prepare(struct hotadd_before *before, const char *online);

/* Returns the state file in sysfs of a memory block that is offline, or NULL. */
const char *hotadd_offline_block(void);

/* Removes all memory, and restores what hotadd_prepare() changed. Returns 0 or -errno. */
int hotadd_cleanup(const struct hotadd_before *before);

#endif
