/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_PORT_H
#define LIB_PORT_H

/*
 * Opens the virtio port of this name, which only one process can open at a time. A write returns
 * when the host has the data, which so outlives the guest. Returns a descriptor or -errno
 * (-ENODEV: no such port).
 */
int port_open(const char *name, int flags);

#endif
