/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HOTPLUG_H
#define LIB_HOTPLUG_H

/* Operations of errpath_hotplug.ko. Each returns 0, or the -errno of the kernel. */
int hotplug_add(unsigned long start, unsigned long size);
int hotplug_remove(unsigned long start, unsigned long size);
/*
 * hotplug_add() with MHP_MEMMAP_ON_MEMORY: the memory carries its own memmap. It is RAM that
 * the kernel does not use (memmap=).
 */
int hotplug_add_with_memmap(unsigned long start, unsigned long size);
/*
 * @options: "", "altmap", "shift=N" or both; or "same": again, with the dev_pagemap of the call
 * that failed.
 */
int hotplug_memremap(unsigned long start, unsigned long size,
		     const char *options);
int hotplug_memunmap(unsigned long start);
/* Returns why the kernel has no memremap_pages(), or NULL if it has. */
const char *hotplug_memremap_unavailable(void);

/* Sets what each failed operation loses on purpose: "none", "page", "object". */
int hotplug_leak(const char *what);

/* Removes all ranges and ends planted leaks. Returns how many ranges were left, or -errno. */
int hotplug_cleanup(void);

#endif
