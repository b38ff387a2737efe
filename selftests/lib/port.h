/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_PORT_H
#define LIB_PORT_H

/*
 * Opens the virtio port of this name, for one at a time. A write returns when the host has
 * it: what was written outlives the guest. A descriptor, or -errno; -ENODEV: no such port.
 */
int port_open(const char *name, int flags);

#endif
