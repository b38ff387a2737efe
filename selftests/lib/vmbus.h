/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_VMBUS_H
#define LIB_VMBUS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Drive vmbus_sim.ko and the kernel's own pci-hyperv driver on it. Functions return 0 or -errno
 * unless their comment says otherwise.
 */

/* Returns the reason why this kernel has no vmbus_sim.ko, or NULL if it has. */
const char *vmbus_unavailable(void);
/*
 * Loads the modules unless they are loaded, and offers bus 0, which the driver probes.
 * @parameters: parameters of vmbus_sim.ko as "name=value ..."; the others get their defaults.
 */
int vmbus_start(const char *parameters);
/* Rescinds bus 0, changes @parameters, and offers the bus again. */
int vmbus_offer_anew(const char *parameters);
/* Rescinds all buses and resets the simulated host. The modules stay loaded. */
int vmbus_stop(void);
/* Unloads both modules. hv_vmbus stays loaded: none of its code runs. */
int vmbus_unload(void);

/* Returns the name of the hv_device of @bus, as in sysfs and for the knob "device". */
const char *vmbus_device(int bus);
/* Returns true if the driver is bound to @bus. */
bool vmbus_bound(int bus);
/* vmbus_bind() returns the error of the probe. */
int vmbus_bind(int bus);
int vmbus_unbind(int bus);

/*
 * Writes a command: "offer", "rescind", "relations", "eject" or "msi". A negative @number is
 * omitted.
 */
int vmbus_command(const char *command, int bus, int number);
/* Sets a rule for answers to @message; @knob: "status", "delay_ms", "drop" or "repeat". */
int vmbus_rule(const char *message, const char *knob, unsigned long value);
/* Sets the newest version of the protocol that the host supports, 0x10001 to 0x10004. */
int vmbus_host_version(unsigned long version);
/* Returns the number of messages of a kind that the host received, or -errno. */
long vmbus_seen(const char *message);

/* Returns the number of functions that the PCI core has on the bus, or -errno. */
int vmbus_functions(int bus);
/* Returns the size of BAR @bar of a function, or 0 if it has no address. */
unsigned long vmbus_bar(int bus, int slot, int bar);

/* Read or write 1 to 4 bytes of config space. vmbus_config_read() returns the value, or -1. */
long vmbus_config_read(int bus, int slot, int where, int size);
int vmbus_config_write(int bus, int slot, int where, int size,
		       unsigned int value);

struct vmbus_window {
	unsigned long start;
	unsigned long size;
};

/*
 * Reads the ranges of the bus from /proc/iomem, at most @max. Returns their number, or -errno.
 * The config window is the range of 8 KiB.
 */
int vmbus_windows(int bus, struct vmbus_window *windows, int max);
/* Returns the config window; its size is 0 if there is none. */
struct vmbus_window vmbus_config_window(int bus);

#endif
