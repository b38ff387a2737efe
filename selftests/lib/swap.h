/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_SWAP_H
#define LIB_SWAP_H

/* Adds swap space in memory, by zram; removes it. Returns 0 or -errno. */
int swap_begin(void);
void swap_end(void);

/*
 * memcg_begin() moves this process to a memory cgroup, memcg_reclaim() reclaims @bytes from it,
 * and memcg_end() moves it back. Return 0, -EAGAIN if less was reclaimed, or -errno.
 */
int memcg_begin(void);
int memcg_reclaim(long bytes);
void memcg_end(void);

#endif
