/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_SWAP_H
#define LIB_SWAP_H

/* Swap space in memory, by zram, as large as a few huge pages: 0 or -errno. */
int swap_begin(void);
void swap_end(void);

/*
 * This process in a memory cgroup of its own, from which memory_reclaim() takes as
 * much as @bytes: 0, -EAGAIN if it got less, or -errno.
 */
int memcg_begin(void);
int memcg_reclaim(long bytes);
void memcg_end(void);

#endif
