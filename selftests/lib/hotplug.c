// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "hotplug.h"
#include "iomem.h"

#define HOTPLUG "/sys/kernel/debug/errpath_hotplug/"

int hotplug_add(unsigned long start, unsigned long size)
{
	char text[64];

	snprintf(text, sizeof(text), "%#lx %#lx", start, size);
	return file_write(HOTPLUG "add", text);
}

int hotplug_add_with_memmap(unsigned long start, unsigned long size)
{
	char text[64];

	snprintf(text, sizeof(text), "%#lx %#lx memmap_on_memory", start, size);
	return file_write(HOTPLUG "add", text);
}

int hotplug_remove(unsigned long start, unsigned long size)
{
	char text[64];

	snprintf(text, sizeof(text), "%#lx %#lx", start, size);
	return file_write(HOTPLUG "remove", text);
}

int hotplug_memremap(unsigned long start, unsigned long size,
		     const char *options)
{
	char text[128];

	snprintf(text, sizeof(text), "%#lx %#lx %s", start, size, options);
	return file_write(HOTPLUG "memremap", text);
}

const char *hotplug_memremap_unavailable(void)
{
	return hotplug_memremap(0, 1, "") == -EOPNOTSUPP ?
	       "this kernel has no memremap_pages() (CONFIG_ZONE_DEVICE)" : NULL;
}

int hotplug_memunmap(unsigned long start)
{
	char text[64];

	snprintf(text, sizeof(text), "%#lx", start);
	return file_write(HOTPLUG "memunmap", text);
}

int hotplug_leak(const char *what)
{
	return file_write(HOTPLUG "leak", what);
}

/*
 * Removes a range. One that failed is added first: adding and removing it also takes back what
 * the failure left behind.
 */
static void hotplug_clean_up(const char *state, unsigned long start,
			     unsigned long size)
{
	bool whole = !(size % SECTION_SIZE);

	if (!strcmp(state, "failed") && whole)
		hotplug_add(start, size);
	else if (!strcmp(state, "failed"))
		hotplug_memremap(start, size, "");
	if (!strcmp(state, "memremap") || !whole)
		hotplug_memunmap(start);
	else
		hotplug_remove(start, size);
}

int hotplug_cleanup(void)
{
	char text[4096], state[16], *line, *save;
	unsigned long start, size;
	int left = 0;
	long len;

	hotplug_leak("none");
	len = file_read(HOTPLUG "ranges", text, sizeof(text));
	if (len < 0)
		return len;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%15s %lx %lx", state, &start, &size) != 3)
			return -EPROTO;
		left++;
		hotplug_clean_up(state, start, size);
	}
	return left;
}
