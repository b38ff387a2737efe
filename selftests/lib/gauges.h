/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_GAUGES_H
#define LIB_GAUGES_H

#include <stdbool.h>

#define GAUGE_EXACT 0L
#define GAUGE_SLABS -2L		/* as many objects as the CPUs' slabs hide */
#define GAUGE_IGNORED -1L	/* counts events, or says what a better gauge says */

/*
 * By how much a counter may differ when nothing was lost: GAUGE_EXACT, a bound
 * in the counter's own unit, or GAUGE_IGNORED.
 */
long gauge_bound(const char *name);
/* Counts the pages of all slabs, those with it that are kept for reuse. */
bool gauge_of_all_slabs(const char *name);

#endif
