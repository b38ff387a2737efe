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
	char pages[4096];	/* each: - no candidate, k kept, m migrated */
};

/*
 * Through errpath_migrate.ko: this process's pages, 0 or the kernel's -errno.
 * @how: "system|device 4k|2m [compound]".
 */
int migrate(const char *mem, size_t size, const char *how, struct migration *m);

/* What this kernel can do: "4k", "2m", "device". */
bool migrate_can(const char *feature);
/* Milliseconds that a migration waits with its pages unmapped. */
int migrate_pause(int ms);
/* All that is in device memory, back to system memory. */
int migrate_evict(void);
/* Pages that are in device memory. */
long migrate_device_used(void);

#endif
