/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_MIGRATE_H
#define LIB_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>

struct migration {
	const char *start;
	long candidates;	/* pages that the kernel let the driver migrate */
	long compound;		/* huge pages among them */
	long migrated;
	char pages[4096];	/* a letter each: - no candidate, k kept, m migrated */
};

/*
 * Migrates pages of this process, by errpath_migrate.ko. @how: "system|device 4k|2m [compound]".
 * Returns 0, or the -errno of the kernel.
 */
int migrate(const char *mem, size_t size, const char *how, struct migration *m);

/* Returns whether this kernel supports a feature: "4k", "2m", "device". */
bool migrate_can(const char *feature);
/* Sets for how many milliseconds a migration waits with its pages unmapped. */
int migrate_pause(int ms);
/* Moves all pages that are in device memory back to system memory. */
int migrate_evict(void);
/* Returns how many pages are in device memory, or -1. */
long migrate_device_used(void);

#endif
