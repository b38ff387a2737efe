/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_GAUGES_H
#define LIB_GAUGES_H

#include <stdbool.h>

#define GAUGE_EXACT 0L
#define GAUGE_SLABS -2L		/* as many objects as the slabs of all CPUs can hide */
#define GAUGE_IGNORED -1L	/* counts events, or another gauge shows the same better */

/* So many slabs of each CPU are the bound of a GAUGE_SLABS. */
#define GAUGE_SLABS_PER_CPU 4
/*
 * What many failures may differ by in objects, if the kernel checks slabs (slab_debug=F): then
 * CPUs hide none, but up to four objects, for example of dentries, come and go in clean operations.
 */
#define GAUGE_CHECKED_SLABS 8

/*
 * Returns by how much a counter may differ when nothing was lost: GAUGE_EXACT, a bound
 * in the counter's own unit, GAUGE_SLABS, or GAUGE_IGNORED.
 */
long gauge_bound(const char *name);
/* Returns whether many failures are compared with many successes, too: see slopes.h. */
bool gauge_has_slope(const char *name);
/* Returns whether the gauge counts the pages of all slabs, those kept for reuse included. */
bool gauge_of_all_slabs(const char *name);
/*
 * Returns whether the kernel frees what an exact gauge counts some time after the last reference is
 * dropped: a snapshot may see more of it, so that only an increase that stays is a finding.
 */
bool gauge_is_late(const char *name);
/*
 * Returns whether the gauge can differ between twins although nothing was lost: it counts pages of
 * slabs, which keep some for reuse, or areas that vmalloc frees later. What is lost shows in
 * other gauges, too: as an object, an area of vmalloc, or a page that nobody accounts for.
 */
bool gauge_varies_in_twins(const char *name);

#endif
