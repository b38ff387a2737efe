/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_PERCPU_H
#define LIB_PERCPU_H

/*
 * Makes the kernel's percpu allocator have free pages. Returns 0 or -errno.
 *
 * An allocator that runs short of them adds a chunk of hundreds of vmalloc pages, and keeps
 * it. In the midst of a count that would look like a leak.
 */
int percpu_make_room(void);

#endif
