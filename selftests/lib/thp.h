/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_THP_H
#define LIB_THP_H

#include <stdbool.h>
#include <stddef.h>

/* Why this kernel makes no huge pages, NULL if it does. */
const char *thp_unavailable(void);
/* Bytes; 0 without them. */
size_t thp_size(void);

/* khugepaged changes what a test looks at: see it asleep, for long; or wake it again. */
int thp_hold_khugepaged(bool hold);

/*
 * Anonymous memory for @n huge pages, nothing of it touched. Aligned so that all
 * their PMDs are in one table; NULL without memory.
 */
char *thp_map(int n);
void thp_unmap(char *mem, int n);
/* The same afresh: page tables too are gone. */
int thp_renew(char *mem, int n);

/* Bytes that differ from place to place, and how many of them are wrong. */
void pattern_fill(char *mem, size_t size, unsigned int seed);
size_t pattern_wrong(const char *mem, size_t size, unsigned int seed);
bool is_zero(const char *mem, size_t size);

/* kB of a field of /proc/self/smaps, over all mappings that begin in the range. */
long smaps_kb(const char *mem, size_t size, const char *field);
/* kB of a field of /proc/self/smaps_rollup: over all mappings. */
long rollup_kb(const char *field);
/* kB of a field of /proc/self/status. */
long status_kb(const char *field);
/* Of /proc/vmstat and /proc/meminfo; -1 if this kernel has no such entry. */
long vmstat_value(const char *name);
long meminfo_kb(const char *name);

/*
 * Does the kernel allocate the page table of a huge PMD only when that is split?
 * Found out by making one.
 */
bool thp_is_lazy(void);

#endif
