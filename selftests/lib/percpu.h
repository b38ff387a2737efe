/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_PERCPU_H
#define LIB_PERCPU_H

/*
 * Makes sure that the percpu allocator of the kernel has free pages. Returns 0 or -errno.
 *
 * Without free pages it adds a chunk of hundreds of vmalloc pages, and keeps it. Between two
 * snapshots of the counters that would look like a leak.
 */
int percpu_make_room(void);

#endif
