/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_COUNTERS_H
#define LIB_COUNTERS_H

#include <stdbool.h>

/* Free pages and the pages on per-CPU lists: a leaked page is missing in their sum. */
#define COUNTERS_PAGES "zoneinfo.free_and_pagesets"
/* Pages that are neither free nor counted as used: a leaked page is one of them. */
#define COUNTERS_UNACCOUNTED "pages.unaccounted"

struct counter {
	char name[128];
	long value;
	long slab;		/* objects in a slab of this cache */
};

struct counters {
	int nr;
	bool exact;		/* no gauge may differ: compared with a twin of the guest */
	bool shrunk;		/* all caches were shrunk, and hold fewer pages than before */
	struct counter at[2048];
	char iomem[16384];
};

struct difference {
	const char *name;
	long before;
	long after;
	long bound;		/* of the noise, in both directions */
};

/* Two snapshots compared; gauges only, see gauges.h. */
struct comparison {
	int same;		/* gauges that did not move */
	int noise;		/* gauges that moved within their bound */
	int nr;			/* gauges that moved further */
	struct difference out[128];
};

/*
 * Takes a snapshot. Names are FILE.ENTRY: vmstat, meminfo, zoneinfo, slab (objects in use),
 * vmalloc, pages, nodeN.meminfo, nodeN.vmstat. Returns 0 or -errno.
 */
int counters_read(struct counters *c);
/* Returns the value of a counter, 0 if the snapshot lacks it. */
long counters_value(const struct counters *c, const char *name);
bool counters_has(const struct counters *c, const char *name);
/* Calls @action for each gauge that differs, whatever its bound. */
void counters_each_difference(const struct counters *before, const struct counters *after,
			      void (*action)(const char *name, long difference));
/* Sets a counter, if the snapshot has it. */
void counters_set(struct counters *c, const char *name, long value);

/* Returns by how much the counter may differ when nothing was lost, see gauge_bound(). */
long counter_noise(const struct counter *k);
/* Returns the same for the median of many operations: see slopes.h. */
long counter_round_noise(const struct counter *k);
/* Does what counter_noise() does by name; returns 0 if the counter is missing or not compared. */
long counters_noise(const struct counters *c, const char *name);

/* Makes the kernel free what it holds back, and bring its counters up to date. */
void counters_settle(void);
/*
 * Settles, makes the CPUs let go of what only a reference keeps, and takes a snapshot. Returns 0 or
 * -errno.
 */
int counters_settle_and_read(struct counters *c);
/* Shrinks the cache of the counter slab.CACHE, so that the slabs of CPUs hide no objects. */
void counters_shrink(const char *name);
/*
 * These do the same by a descriptor, for many caches: opening a file makes CPUs take objects
 * of other caches. counters_open_shrink() returns -1 if @name is not the counter of a cache
 * that can be shrunk, counters_shrink_by() 0 or -errno.
 */
int counters_open_shrink(const char *name);
int counters_shrink_by(int fd);
/*
 * Takes a snapshot when, since the snapshot before, which it keeps in @last, nothing was freed that
 * is freed late, and no page came or went that has no counter. Something that is freed after the
 * snapshot could hide that as much is lost. After some seconds it takes the last one as it is.
 * Returns 0 or -errno.
 */
int counters_read_steady(struct counters *c, struct counters *last);
/*
 * Takes a snapshot when every noisy gauge is within its bound of @expected, or after seven
 * seconds. Returns 0 or -errno.
 */
int counters_read_settled(struct counters *after,
			  const struct counters *expected);

/*
 * Takes a snapshot when the kernel has freed all that it frees later. That takes 18 seconds, which
 * cost nothing in a guest whose clock goes on at once when it sleeps. Returns 0 or -errno.
 */
int counters_read_exact(struct counters *c);

void counters_compare(const struct counters *before,
		      const struct counters *after, struct comparison *c);

/* Returns the slab cache from which kmalloc() takes 192 bytes: 6.1 on arm64 has no kmalloc-192. */
const char *counters_slab_of_192(void);

#endif
