// SPDX-License-Identifier: GPL-2.0
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "gauges.h"

/*
 * The first pattern that matches decides; the prefix nodeN. is left out. Bounds are at least
 * twice what ./noise measured in 60 clean operations, three times over, on 6.1.192, 6.12.117
 * and 6.12.117-rt in guests with 2 CPUs; where it measured slabs, it did not shrink them, as a
 * verdict does. scripts/gauges makes GAUGES.md of this table.
 */
static const struct gauge {
	const char *pattern;
	long bound;
	bool slope;
	const char *why;
	const char *measured;
} gauges[] = {
	{
		.pattern = "zoneinfo.free_and_pagesets",
		.bound = 128,
		.slope = true,
		.why = "free pages and the pages on per-CPU lists: a lost page is missing in it",
		.measured = "33 pages; 96 after a thousand failures",
	},
	{
		.pattern = "vmstat.nr_free_pages*",
		.bound = GAUGE_IGNORED,
		.why = "thousands of pages wait on per-CPU lists, which it leaves out",
	},
	{
		.pattern = "meminfo.Mem[AFU]*",
		.bound = GAUGE_IGNORED,
		.why = "as nr_free_pages",
	},
	{
		.pattern = "vmstat.nr_dirty*_threshold",
		.bound = GAUGE_IGNORED,
		.why = "follows the number of free pages",
	},
	{
		.pattern = "vmstat.nr_memmap*",
		.bound = GAUGE_EXACT,
		.slope = true,
		.why = "changes only with memory sections",
	},
	{
		.pattern = "vmstat.nr_*hugepages",
		.bound = GAUGE_EXACT,
		.why = "changes only with huge pages in use",
	},
	{
		.pattern = "vmstat.nr_*pmdmapped",
		.bound = GAUGE_EXACT,
		.why = "changes only with huge pages in use",
	},
	{
		.pattern = "vmstat.nr_foll_pin_*",
		.bound = GAUGE_IGNORED,
		.why = "counts events",
	},
	{
		.pattern = "vmstat.nr_vmscan_*",
		.bound = GAUGE_IGNORED,
		.why = "counts events",
	},
	{
		.pattern = "vmstat.nr_dirtied",
		.bound = GAUGE_IGNORED,
		.why = "counts events",
	},
	{
		.pattern = "vmstat.nr_written",
		.bound = GAUGE_IGNORED,
		.why = "counts events",
	},
	{
		.pattern = "vmstat.nr_throttled_written",
		.bound = GAUGE_IGNORED,
		.why = "counts events",
	},
	{
		.pattern = "vmstat.nr_*active_*",
		.bound = GAUGE_IGNORED,
		.why = "what two processes used is active; vmstat.nr_lru_* is the sum",
	},
	{
		.pattern = "vmstat.workingset_nodes",
		.bound = 64,
		.why = "pages, as vmstat.nr_*",
		.measured = "as vmstat.nr_*",
	},
	{
		.pattern = "vmstat.nr_*",
		.bound = 64,
		.why = "pages; a nr_ that a newer kernel adds is taken for a gauge of pages",
		.measured = "31 pages",
	},
	{
		.pattern = "vmstat.*",
		.bound = GAUGE_IGNORED,
		.why = "counts events",
	},
	{
		.pattern = "meminfo.*Total",
		.bound = GAUGE_EXACT,
		.why = "changes only with the amount of memory",
	},
	{
		.pattern = "meminfo.DirectMap",
		.bound = GAUGE_EXACT,
		.why = "how much the direct map covers, the sum of the next",
	},
	{
		.pattern = "meminfo.DirectMap?*",
		.bound = GAUGE_IGNORED,
		.why = "text that becomes read-only, of a module or trampoline, splits pages",
	},
	{
		.pattern = "meminfo.Percpu",
		.bound = GAUGE_EXACT,
		.why = "room is made before the count, see percpu.h",
	},
	{
		.pattern = "meminfo.HardwareCorrupted",
		.bound = GAUGE_EXACT,
		.why = "changes only with bad memory",
	},
	{
		.pattern = "meminfo.*Huge*",
		.bound = GAUGE_EXACT,
		.why = "changes only with huge pages in use",
	},
	{
		.pattern = "meminfo.*ctive*",
		.bound = GAUGE_IGNORED,
		.why = "as vmstat.nr_*active_*",
	},
	{
		.pattern = "meminfo.Committed_AS",
		.bound = 4096,
		.why = "a process that starts or ends elsewhere",
		.measured = "0 (6.12.117)",
	},
	{
		.pattern = "meminfo.*",
		.bound = 256,
		.why = "kB of pages",
		.measured = "84 kB; Slab 136 kB, which a verdict shrinks before it fails",
	},
	{
		.pattern = "slab.debug_objects_cache",
		.bound = GAUGE_IGNORED,
		.why = "records of objects, which other caches count, and a stock of records",
	},
	{
		.pattern = "slab.kmemleak_*",
		.bound = GAUGE_IGNORED,
		.why = "as slab.debug_objects_cache",
	},
	{
		.pattern = "slab.*",
		.bound = GAUGE_SLABS,
		.slope = true,
		.why = "free objects of the slabs that CPUs hold count as used",
		.measured = "187 objects (kmalloc-96); 4.5 slabs shrunk (RT); 4 objects if checked",
	},
	{
		.pattern = "pages.unaccounted",
		.bound = 4,
		.slope = true,
		.why = "neither free nor counted as used: a lost page is one of them",
		.measured = "0 (6.12), 5 once (7.3), 9 fewer (6.1); 2 in tests",
	},
	{
		.pattern = "iomem.lines",
		.bound = GAUGE_EXACT,
		.why = "changes only with resources",
	},
	{
		.pattern = "vmalloc.areas",
		.bound = 8,
		.slope = true,
		.why = "areas are freed in batches",
		.measured = "0 (6.12.117)",
	},
	{
		.pattern = "vmalloc.pages",
		.bound = 64,
		.slope = true,
		.why = "as vmalloc.areas",
		.measured = "0 (6.12.117)",
	},
	{
		.pattern = "huge_zero.references",
		.bound = GAUGE_EXACT,
		.why = "of address spaces to the huge zero page; without one it is given back",
	},
	{
		.pattern = "references.*",
		.bound = GAUGE_EXACT,
		.why = "what only a reference keeps; fewer are no finding",
	},
	{
		.pattern = "percpu.bytes",
		.bound = GAUGE_EXACT,
		.why = "of each CPU, 8 for a percpu_ref; fewer are no finding",
	},
	{
		.pattern = "modules.*",
		.bound = GAUGE_EXACT,
		.why = "a module that somebody holds cannot be unloaded",
	},
	{
		.pattern = "cgroup.*",
		.bound = GAUGE_EXACT,
		.why = "a removed cgroup lives until nobody refers to it; fewer are no finding",
	},
	{
		.pattern = "*",
		.bound = GAUGE_IGNORED,
		.why = "unknown to this table",
	},
};

static const char *without_node(const char *name)
{
	return strncmp(name, "node", 4) ? name : strchr(name, '.') + 1;
}

/* The last pattern matches any name. */
static const struct gauge *gauge_lookup(const char *name)
{
	const struct gauge *g = gauges;

	while (fnmatch(g->pattern, without_node(name), 0))
		g++;
	return g;
}

long gauge_bound(const char *name)
{
	return gauge_lookup(name)->bound;
}

/* Slopes are of the whole machine, not of a node. */
bool gauge_has_slope(const char *name)
{
	return without_node(name) == name && gauge_lookup(name)->slope;
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

bool gauge_is_late(const char *name)
{
	return !strncmp(name, "references.", 11) || !strncmp(name, "cgroup.", 7) ||
	       !strcmp(name, "percpu.bytes");
}

bool gauge_varies_in_twins(const char *name)
{
	return gauge_of_all_slabs(name) || !strcmp(name, "zoneinfo.free_and_pagesets") ||
	       !strcmp(name, "slab.vmap_area");
}
