/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_THP_H
#define LIB_THP_H

#include <stdbool.h>
#include <stddef.h>

/* Returns why this kernel makes no huge pages, or NULL. */
const char *thp_unavailable(void);
/* Returns the size of a huge page in bytes; 0: the kernel has none. */
size_t thp_size(void);

/*
 * Makes khugepaged sleep for long, and waits until it does, as it would change the memory that a
 * test checks; or restores its pause. Returns 0 or -errno.
 */
int thp_hold_khugepaged(bool hold);

/*
 * Maps anonymous memory for @n huge pages, without touching it. It is aligned so that all their
 * PMDs are in one table. Returns NULL on failure.
 */
char *thp_map(int n);
void thp_unmap(char *mem, int n);
/* Maps the memory again, which frees its page tables, too. Returns 0 or -errno. */
int thp_renew(char *mem, int n);

/* Fills memory with bytes that depend on their place; counts the bytes that are wrong. */
void pattern_fill(char *mem, size_t size, unsigned int seed);
size_t pattern_wrong(const char *mem, size_t size, unsigned int seed);
bool is_zero(const char *mem, size_t size);

/* Returns the sum of a field of /proc/self/smaps in kB, of mappings that begin in the range. */
long smaps_kb(const char *mem, size_t size, const char *field);
/* Returns a field of /proc/self/smaps_rollup in kB: the sum of all mappings. */
long rollup_kb(const char *field);
/* Returns a field of /proc/self/status in kB. */
long status_kb(const char *field);
/* Return an entry of /proc/vmstat or /proc/meminfo; -1: this kernel has no such entry. */
long vmstat_value(const char *name);
long meminfo_kb(const char *name);

/*
 * Returns whether the kernel allocates the page table of a huge PMD only when the PMD is split.
 * Makes a huge page to find out.
 */
bool thp_is_lazy(void);

#endif
