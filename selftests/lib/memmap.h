/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_MEMMAP_H
#define LIB_MEMMAP_H

#include <stdbool.h>

/* So many pages may @taken differ from @counted by: see pages.unaccounted in GAUGES.md. */
#define MEMMAP_NOISE 8
/* Pages in the memmap of a huge page of 2 MiB; one of them stays if it gives up the others. */
#define MEMMAP_PER_HUGE_PAGE 8

/* The pages of the memmap, by the kernel's counters and by what is no longer free. */
struct memmap {
	long counted;		/* nr_memmap_pages and nr_memmap_boot_pages together */
	/*
	 * Pages that are neither free nor in use by anything else that has a counter, and the
	 * pages of the boot: the same as @counted, apart from a constant.
	 */
	long taken;
};

/* Returns whether the kernel counts the pages of the memmap. */
bool memmap_is_counted(void);

/* Reads both when they change no more, which takes two snapshots at least. Returns 0 or -errno. */
int memmap_read(struct memmap *m);

/* Returns by how many pages more @taken grew than @counted, or fewer. */
long memmap_apart(const struct memmap *before, const struct memmap *after);

#endif
