/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HOTPLUG_H
#define LIB_HOTPLUG_H

/* Through errpath_hotplug.ko: 0 or the kernel's -errno. */
int hotplug_add(unsigned long start, unsigned long size);
int hotplug_remove(unsigned long start, unsigned long size);
/* @options: "", "altmap", "shift=N" or both. */
int hotplug_memremap(unsigned long start, unsigned long size,
		     const char *options);
int hotplug_memunmap(unsigned long start);

/* What each failed operation loses on purpose: "none", "page", "object". */
int hotplug_leak(const char *what);

/* Removes all that is left and plants no leak; returns how many were left. */
int hotplug_cleanup(void);

#endif
