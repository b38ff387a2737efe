/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_VMBUS_H
#define LIB_VMBUS_H

#include <stdbool.h>
#include <stddef.h>

/* vmbus_sim.ko and the kernel's own pci-hyperv driver on it. All return 0 or -errno. */

/* Why this kernel has none of that, NULL if it has. */
const char *vmbus_unavailable(void);
/*
 * Offers bus 0, which is probed; @parameters of vmbus_sim.ko as "name=value ...", the
 * others as they are when it is loaded. Both modules are loaded if they are not.
 */
int vmbus_start(const char *parameters);
/* Rescinds bus 0, and offers it with these parameters changed. */
int vmbus_offer_anew(const char *parameters);
/* No bus, and the simulated host as before vmbus_start(); both modules stay. */
int vmbus_stop(void);
/* Without both, but for hv_vmbus, of which nothing runs. */
int vmbus_unload(void);

/* The hv_device of bus @bus, 0 on, as sysfs and the knob device call it. */
const char *vmbus_device(int bus);
/* Does it have its driver? */
bool vmbus_bound(int bus);
/* The probe's errno is that of vmbus_bind(). */
int vmbus_bind(int bus);
int vmbus_unbind(int bus);

/*
 * To the host: "offer", "rescind" (@number is left out if negative), "relations",
 * "eject"; to a function's driver: "msi".
 */
int vmbus_command(const char *command, int bus, int number);
/* How it answers a kind of message: "status", "delay_ms", "drop", "repeat". */
int vmbus_rule(const char *message, const char *knob, unsigned long value);
/* The newest protocol that it speaks, 0x10001 to 0x10004. */
int vmbus_host_version(unsigned long version);
/* How many of them came, or -errno. */
long vmbus_seen(const char *message);

/* PCI functions that the PCI core has found on the bus. */
int vmbus_functions(int bus);
/* Size of BAR @bar of a function that has been given space, else 0. */
unsigned long vmbus_bar(int bus, int slot, int bar);

/* A function's config space, 1 to 4 bytes; the value (-1: an error), and 0 or -errno. */
long vmbus_config_read(int bus, int slot, int where, int size);
int vmbus_config_write(int bus, int slot, int where, int size,
		       unsigned int value);

struct vmbus_window {
	unsigned long start;
	unsigned long size;
};

/*
 * What /proc/iomem shows as the bus's, at most @max ranges, and how many there are;
 * the config window is the one of 8 KiB.
 */
int vmbus_windows(int bus, struct vmbus_window *windows, int max);
/* The config window; size 0: none. */
struct vmbus_window vmbus_config_window(int bus);

#endif
