// SPDX-License-Identifier: GPL-2.0
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "gauges.h"

/*
 * The first pattern that fits decides; a nodeN. prefix is left out. Bounds are
 * at least twice what ./noise measured in 60 clean operations, three times over,
 * on 6.1.192, 6.12.117 and 6.12.117-rt in guests with 2 CPUs.
 */
static const struct {
	const char *pattern;
	long bound;
} gauges[] = {
	/* The oracle for lost pages: 30 measured, 96 after a thousand failures. */
	{ "zoneinfo.free_and_pagesets",		128 },
	/* The same without the per-CPU lists, on which thousands of pages wait. */
	{ "vmstat.nr_free_pages*",		GAUGE_IGNORED },
	{ "meminfo.Mem[AFU]*",			GAUGE_IGNORED },
	{ "vmstat.nr_dirty*_threshold",		GAUGE_IGNORED },

	{ "vmstat.nr_memmap*",			GAUGE_EXACT },
	{ "vmstat.nr_*hugepages",		GAUGE_EXACT },
	{ "vmstat.nr_*pmdmapped",		GAUGE_EXACT },
	{ "vmstat.nr_foll_pin_*",		GAUGE_IGNORED },
	{ "vmstat.nr_vmscan_*",			GAUGE_IGNORED },
	{ "vmstat.nr_dirtied",			GAUGE_IGNORED },
	{ "vmstat.nr_written",			GAUGE_IGNORED },
	{ "vmstat.nr_throttled_written",	GAUGE_IGNORED },
	{ "vmstat.workingset_nodes",		64 },
	/* Whatever nr_ a newer kernel adds is taken for a gauge of pages. */
	{ "vmstat.nr_*",			64 },
	{ "vmstat.*",				GAUGE_IGNORED },

	{ "meminfo.*Total",			GAUGE_EXACT },
	{ "meminfo.DirectMap",			GAUGE_EXACT },
	{ "meminfo.DirectMap?*",		GAUGE_IGNORED },
	{ "meminfo.Percpu",			GAUGE_EXACT },
	{ "meminfo.HardwareCorrupted",		GAUGE_EXACT },
	{ "meminfo.*Huge*",			GAUGE_EXACT },
	/* A process that comes or goes elsewhere. */
	{ "meminfo.Committed_AS",		4096 },
	{ "meminfo.*",				256 },

	/* Records of objects, and a stock of them; what they are of is counted itself. */
	{ "slab.debug_objects_cache",		GAUGE_IGNORED },
	{ "slab.kmemleak_*",			GAUGE_IGNORED },
	{ "slab.*",				GAUGE_SLABS },
	{ "iomem.lines",			GAUGE_EXACT },
	{ "vmalloc.areas",			8 },
	{ "vmalloc.pages",			64 },
	{ "*",					GAUGE_IGNORED },
};

static const char *without_node(const char *name)
{
	return strncmp(name, "node", 4) ? name : strchr(name, '.') + 1;
}

bool gauge_of_all_slabs(const char *name)
{
	static const char * const patterns[] = {
		"vmstat.nr_slab_*", "meminfo.Slab", "meminfo.SReclaimable",
		"meminfo.SUnreclaim", "meminfo.KReclaimable",
	};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		if (!fnmatch(patterns[i], without_node(name), 0))
			return true;
	}
	return false;
}

long gauge_bound(const char *name)
{
	size_t i = 0;

	name = without_node(name);
	while (fnmatch(gauges[i].pattern, name, 0))
		i++;
	return gauges[i].bound;
}
