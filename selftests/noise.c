// SPDX-License-Identifier: GPL-2.0
/*
 * Measures how far each gauge moves when nothing is lost: the largest difference over many
 * clean operations. The bounds in lib/gauges.c come from this. Not a test; run it by hand:
 * ./noise [TIMES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest.h"
#include "lib/counters.h"
#include "lib/gauges.h"
#include "lib/hotplug.h"
#include "lib/iomem.h"

static struct counters before, after;
static long largest[ARRAY_SIZE(before.at)];

static int clean_operation(unsigned long start)
{
	int err = hotplug_add(start, SECTION_SIZE);

	if (err)
		return err;
	err = hotplug_remove(start, SECTION_SIZE);
	if (err)
		return err;
	err = hotplug_memremap(start, SUBSECTION_SIZE, "");
	return err ?: hotplug_memunmap(start);
}

static int measure(unsigned long start)
{
	int err = clean_operation(start);

	if (err)
		return err;
	err = counters_settle_and_read(&after);
	if (err)
		return err;
	for (int i = 0; i < before.nr; i++) {
		long moved = labs(counters_value(&after, before.at[i].name) -
				  before.at[i].value);

		if (moved > largest[i])
			largest[i] = moved;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int times = argc > 1 ? atoi(argv[1]) : 50;
	unsigned long start = iomem_unused(SECTION_SIZE, SECTION_SIZE);
	int err;

	/* Touch the pages of both snapshots before anything is compared. */
	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	err = clean_operation(start);
	if (!err)
		err = counters_settle_and_read(&before);
	for (int i = 0; i < times && !err; i++)
		err = measure(start);
	if (err) {
		fprintf(stderr, "noise: %s\n", strerror(-err));
		return 1;
	}
	for (int i = 0; i < before.nr; i++) {
		long bound = gauge_bound(before.at[i].name);

		if (bound != GAUGE_IGNORED && largest[i])
			printf("%-40s %8ld (bound %ld)\n", before.at[i].name,
			       largest[i], bound);
	}
	return 0;
}
