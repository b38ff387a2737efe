/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_COUNTERS_H
#define LIB_COUNTERS_H

#include <stdbool.h>

/* Free pages and the pages on per-CPU lists: what a leaked page is missing in. */
#define COUNTERS_PAGES "zoneinfo.free_and_pagesets"

struct counter {
	char name[128];
	long value;
	long slab;		/* objects in a slab of this cache */
};

struct counters {
	int nr;
	bool shrunk;		/* all caches were: they hold fewer pages than they did */
	struct counter at[2048];
	char iomem[16384];
};

struct difference {
	const char *name;
	long before;
	long after;
	long bound;		/* so much either way is noise */
};

/* Gauges only, see gauges.h. */
struct comparison {
	int same;		/* as many did not move at all */
	int noise;		/* as many moved within their bound */
	int nr;			/* and these moved out of it */
	struct difference out[128];
};

/*
 * Names are FILE.ENTRY: vmstat, meminfo, zoneinfo, slab (objects in use),
 * vmalloc, nodeN.meminfo, nodeN.vmstat.
 */
int counters_read(struct counters *c);
/* A counter that is not there reads 0. */
long counters_value(const struct counters *c, const char *name);
/* Nothing if there is no such counter. */
void counters_set(struct counters *c, const char *name, long value);

/* By how much it may differ when nothing was lost, see gauge_bound(). */
long counter_noise(const struct counter *k);
/* The same by name; 0 if there is no such counter or nobody compares it. */
long counters_noise(const struct counters *c, const char *name);

/* Lets the kernel free what it holds back and bring its books up to date. */
void counters_settle(void);
/* Takes back what the CPUs' slabs hide of a counter slab.CACHE. */
void counters_shrink(const char *name);
/*
 * The same by a descriptor; for many caches, as opening one file makes CPUs take
 * objects of others. -1: not a slab's counter, or not there.
 */
int counters_open_shrink(const char *name);
int counters_shrink_by(int fd);
/* Settles until every noisy gauge is within its bound of @expected, or gives up. */
int counters_read_settled(struct counters *after,
			  const struct counters *expected);

void counters_compare(const struct counters *before,
		      const struct counters *after, struct comparison *c);

#endif
