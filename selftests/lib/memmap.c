// SPDX-License-Identifier: GPL-2.0
#include "counters.h"
#include "memmap.h"
#include "thp.h"

#define BUDDY "nr_memmap_pages"
#define BOOT "nr_memmap_boot_pages"

bool memmap_is_counted(void)
{
	return vmstat_value(BUDDY) >= 0 && vmstat_value(BOOT) >= 0;
}

/*
 * A page of the memmap that the boot allocated is not in MemTotal. When HugeTLB frees it, it joins
 * MemTotal and the free pages, so that COUNTERS_UNACCOUNTED stays.
 */
int memmap_read(struct memmap *m)
{
	static struct counters c, last;
	const int err = counters_read_steady(&c, &last);
	long boot;

	if (err)
		return err;
	boot = counters_value(&c, "vmstat." BOOT);
	m->counted = counters_value(&c, "vmstat." BUDDY) + boot;
	m->taken = counters_value(&c, COUNTERS_UNACCOUNTED) + boot -
		   counters_value(&c, "meminfo.Hugetlb") / 4;
	return 0;
}

long memmap_apart(const struct memmap *before, const struct memmap *after)
{
	return (after->taken - before->taken) - (after->counted - before->counted);
}
