// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "host.h"
#include "hotadd.h"
#include "iomem.h"
#include "module.h"

#define MEMORY "/sys/devices/system/memory"
#define TRIES 500
#define PAUSE_US 20000

static int hotadd_ask(const char *request)
{
	char said[512];
	int err = host_ask(request, said, sizeof(said));

	if (err)
		printf("# host: %s: %s\n", request, said);
	return err;
}

static bool is_online(const char *state_file)
{
	char state[32];

	return file_read(state_file, state, sizeof(state)) > 0 && !strcmp(state, "online\n");
}

static bool block_is_online(unsigned long start)
{
	char path[128];

	snprintf(path, sizeof(path), MEMORY "/memory%lu/state", start / SECTION_SIZE);
	return is_online(path);
}

const char *hotadd_offline_block(void)
{
	static char path[300];
	DIR *dir = opendir(MEMORY);
	const char *found = NULL;
	struct dirent *d;

	while (dir && !found && (d = readdir(dir))) {
		snprintf(path, sizeof(path), MEMORY "/%s/state", d->d_name);
		if (!access(path, F_OK) && !is_online(path))
			found = path;
	}
	if (dir)
		closedir(dir);
	return found;
}

/*
 * Returns how many bytes the driver of virtio-mem has added. For each block that is not online
 * yet the sum is one byte too large, so that it equals no size.
 */
static unsigned long virtio_mem_online(void)
{
	unsigned long start, end, sum = 0;
	FILE *f = fopen("/proc/iomem", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, ": System RAM (virtio_mem)") ||
		    sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		sum += end + 1 - start;
		for (; start < end; start += SECTION_SIZE)
			sum += !block_is_online(start);
	}
	if (f)
		fclose(f);
	return sum;
}

/* Returns when the driver of virtio-mem will try again after a failure, in ns; 0: it will not. */
static unsigned long virtio_mem_retry_at(void)
{
	FILE *f = fopen("/proc/timer_list", "re");
	unsigned long at = 0;
	bool found = false;
	char line[256];

	while (f && !at && fgets(line, sizeof(line), f)) {
		if (found)
			sscanf(line, " # expires at %lu-", &at);
		found = strstr(line, ", virtio_mem_timer_expired");
	}
	if (f)
		fclose(f);
	return at;
}

/* Returns whether the host, too, says that the device has this size. */
static bool host_agrees(unsigned long size)
{
	char said[512];

	return !host_ask("virtio-mem", said, sizeof(said)) && strtoul(said, NULL, 10) == size;
}

/* @retry_before: virtio_mem_retry_at() before the request */
static int wait_for_virtio_mem(unsigned long size, unsigned long retry_before)
{
	for (int i = 0; i < TRIES; i++) {
		unsigned long retry_at = virtio_mem_retry_at();

		if (virtio_mem_online() == size && host_agrees(size))
			return 0;
		if (retry_at && retry_at != retry_before) {
			printf("# virtio-mem: the driver will try again later\n");
			return -ENOMEM;
		}
		usleep(PAUSE_US);
	}
	printf("# virtio-mem: %#lx bytes online, not %#lx\n", virtio_mem_online(), size);
	return -ETIMEDOUT;
}

int hotadd_dimm(unsigned long size)
{
	char request[64];

	if (!size)
		return hotadd_ask("unplug dimm");
	snprintf(request, sizeof(request), "plug dimm %lu", size);
	return hotadd_ask(request);
}

int hotadd_virtio_mem(unsigned long size)
{
	const unsigned long retry = virtio_mem_retry_at();
	char request[64];
	int err;

	snprintf(request, sizeof(request), "virtio-mem %lu", size);
	err = hotadd_ask(request);
	return err ?: wait_for_virtio_mem(size, retry);
}

const struct hotadd hotadd_by_dimm = {
	.name = "dimm",
	.operation = "hot-add of a DIMM of 128 MiB",
	.driver = "/sys/firmware/acpi/hotplug/memory",
	.resize = hotadd_dimm,
	.when_refused = -EIO,
};

const struct hotadd hotadd_by_virtio_mem = {
	.name = "virtio_mem",
	.operation = "growth of virtio-mem by 128 MiB",
	.driver = "/sys/bus/virtio/drivers/virtio_mem",
	.resize = hotadd_virtio_mem,
	.when_refused = -ENOMEM,
};

#define STRUCT_PAGE 64UL	/* bytes for each page in the memmap */

bool hotadd_carries_memmap(void)
{
	char text[16];

	return file_read("/sys/module/memory_hotplug/parameters/memmap_on_memory", text,
			 sizeof(text)) > 0 && *text != 'N';
}

unsigned long hotadd_usable(const struct hotadd *by, unsigned long size)
{
	if (by != &hotadd_by_dimm || !hotadd_carries_memmap())
		return size;
	return size - size / getpagesize() * STRUCT_PAGE;
}

const char *hotadd_unavailable(const struct hotadd *by)
{
	static char why[512];

	if (host_ask("virtio-mem", why, sizeof(why)))
		return why;
	/* Without the module the driver is built in, or its sysfs directory is missing, too. */
	module_load("virtio_mem", "");
	if (!access(by->driver, F_OK))
		return NULL;
	snprintf(why, sizeof(why), "no %s: this kernel lacks the driver", by->driver);
	return why;
}

int hotadd_prepare(struct hotadd_before *before, const char *online)
{
	long len = file_read(MEMORY "/auto_online_blocks", before->online,
			     sizeof(before->online));

	return len < 0 ? len : file_write(MEMORY "/auto_online_blocks", online);
}

int hotadd_cleanup(const struct hotadd_before *before)
{
	char said[512];
	int err;

	if (!before->online[0])
		return 0;
	/* An error means that there is no DIMM. */
	host_ask("unplug dimm", said, sizeof(said));
	err = access(hotadd_by_virtio_mem.driver, F_OK) ? 0 : hotadd_virtio_mem(0);
	return err ?: file_write(MEMORY "/auto_online_blocks", before->online);
}
