/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_KCORE_H
#define LIB_KCORE_H

#include <stddef.h>

/*
 * Reads @size bytes of the kernel's memory at @address from /proc/kcore. Returns 0 or -errno:
 * -ENOENT without CONFIG_PROC_KCORE, -EPERM if the kernel is locked down, -EFAULT if there is no
 * memory at @address.
 */
int kcore_read(unsigned long address, void *buf, size_t size);

#endif
