// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "iomem.h"

#define LOWEST (4096 * MiB)

static unsigned long round_up_to(unsigned long addr, unsigned long align)
{
	return (addr + align - 1) & ~(align - 1);
}

/* Reads the next line of the top level; these ascend and do not overlap. */
static bool next_resource(FILE *f, unsigned long *start, unsigned long *end,
			  char *name)
{
	char line[256];

	while (fgets(line, sizeof(line), f)) {
		if (line[0] != ' ' &&
		    sscanf(line, "%lx-%lx : %63[^\n]", start, end, name) == 3)
			return true;
	}
	return false;
}

unsigned long iomem_unused(unsigned long size, unsigned long align)
{
	unsigned long start, end, found = LOWEST;
	FILE *f = fopen("/proc/iomem", "re");
	char name[64];

	if (!f)
		return 0;
	found = round_up_to(found, align);
	while (next_resource(f, &start, &end, name)) {
		bool ram = !strcmp(name, "System RAM");

		if (end < found || (start >= found + size && !ram))
			continue;
		found = round_up_to(end + 1, align);
	}
	fclose(f);
	return found;
}

unsigned long iomem_ram(void)
{
	FILE *f = fopen("/proc/iomem", "re");
	unsigned long start, end, sum = 0;
	char name[64];

	if (!f)
		return 0;
	while (next_resource(f, &start, &end, name)) {
		if (!strcmp(name, "System RAM"))
			sum += end + 1 - start;
	}
	fclose(f);
	return sum;
}

unsigned long iomem_reserved_ram(unsigned long size, unsigned long align)
{
	unsigned long start, end, found = 0;
	FILE *f = fopen("/proc/iomem", "re");
	char name[64];

	if (!f)
		return 0;
	/* A reserved range further up is not RAM, but belongs to the chip set. */
	while (!found && next_resource(f, &start, &end, name)) {
		start = round_up_to(start, align);
		if (!strcmp(name, "Reserved") && start + size <= end + 1 &&
		    end < LOWEST / 2)
			found = start;
	}
	fclose(f);
	return found;
}

unsigned long iomem_beside_ram(void)
{
	unsigned long start, end, ram_end = 0, found = 0;
	FILE *f = fopen("/proc/iomem", "re");
	char name[64];

	if (!f)
		return 0;
	while (next_resource(f, &start, &end, name)) {
		if (ram_end && start >= round_up_to(ram_end, SUBSECTION_SIZE) +
					SUBSECTION_SIZE)
			found = round_up_to(ram_end, SUBSECTION_SIZE);
		ram_end = strcmp(name, "System RAM") ? 0 : end + 1;
		if (found && found % SECTION_SIZE)
			break;
		found = 0;
	}
	fclose(f);
	return found;
}
