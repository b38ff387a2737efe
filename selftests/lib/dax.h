/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_DAX_H
#define LIB_DAX_H

#include <stdbool.h>

/*
 * The guest's persistent memory (memmap=SIZE!START) and what its drivers make of it, by sysfs, as
 * ndctl and daxctl do: those need libraries, and their messages have not the errno of a step.
 */

/* The use of a namespace: of ndctl create-namespace the options --mode, --map and --align. */
struct dax_use {
	bool fsdax;		/* for a file system; false: device DAX */
	bool map_dev;		/* the memmap is on the device; false: in RAM */
	unsigned long align;
};

/* Loads the drivers, and keeps them from binding by themselves. Returns why it cannot, or NULL. */
const char *dax_unavailable(void);

/*
 * dax_configure() sets up the namespace. Then dax_enable() binds its driver: of fsdax this makes
 * the memmap, of device DAX it makes a device without a driver. dax_disable() unbinds it. All
 * return 0 or -errno.
 */
int dax_configure(const struct dax_use *use);
int dax_enable(void);
int dax_disable(void);

/*
 * Binds the driver "device_dax", which maps the memory, or "kmem", which adds it as RAM, to the DAX
 * device of the namespace; unbinds it. Return 0 or -errno.
 */
int dax_bind(const char *driver);
int dax_unbind(const char *driver);

/*
 * Loads the driver of soft-reserved memory (memmap=SIZE%START-1+0xefffffff), and lets device DAX
 * bind to its device, whose page map is made at each bind. Returns its name, or NULL: the
 * guest has none.
 */
const char *dax_soft_reserved(void);

/* The same as dax_bind() and dax_unbind() for device DAX and such a device. */
int dax_bind_device(const char *name);
int dax_unbind_device(const char *name);

/*
 * Lets kmem bind to the device, which must have no driver: device DAX is what it is for otherwise.
 * Returns 0 or -errno.
 */
int dax_allow_kmem(void);

/* Returns the state file of the memory block that kmem has added, or NULL. */
const char *dax_kmem_block(void);

/* The block device of fsdax. */
#define DAX_DISK "/dev/pmem0"

/* Undoes all that is left of the above, in any state. Returns 0 or -errno. */
int dax_cleanup(void);

#endif
