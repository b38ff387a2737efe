/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HOTADD_H
#define LIB_HOTADD_H

/*
 * Real memory that the host gives this guest and takes away again, by the
 * kernel's own drivers in the kernel's own tasks.
 */

/*
 * A DIMM of @size bytes, 0: without it, by ACPI. 0, -EIO (the kernel refused
 * it), -EBUSY (it does not let it go) or another -errno; told on stdout.
 */
int hotadd_dimm(unsigned long size);

/*
 * The virtio-mem device at @size bytes. 0, -ENOMEM (the driver could not, and
 * tries again much later or when asked again) or another -errno; told on stdout.
 */
int hotadd_virtio_mem(unsigned long size);

/* The ways, for tests that go all of them. */
struct hotadd {
	const char *name;
	const char *operation;
	const char *driver;	/* what sysfs has where the kernel has one */
	int (*resize)(unsigned long size);
	int when_refused;	/* what resize() returns when the kernel could not */
};

extern const struct hotadd hotadd_by_dimm, hotadd_by_virtio_mem;

/* Why this guest can get none, NULL if it can. Loads the driver. */
const char *hotadd_unavailable(const struct hotadd *by);

/* What hotadd_prepare() changed; all zero before. */
struct hotadd_before {
	char online[32];
};

/*
 * New memory comes "online_movable", so that it can go again, or "offline".
 * 0 or -errno.
 */
int hotadd_prepare(struct hotadd_before *before, const char *online);

/* The state file in sysfs of a memory block that is offline; NULL: none is. */
const char *hotadd_offline_block(void);

/* Takes all memory away, and hotadd_prepare() back if it was called. 0 or -errno. */
int hotadd_cleanup(const struct hotadd_before *before);

#endif
