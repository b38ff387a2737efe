// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "perf.h"

#define KPROBE "/sys/bus/event_source/devices/kprobe/type"
#define EVENTS "/sys/kernel/tracing/events"
#define AT_RETURN 1	/* format/retprobe of the PMU: bit 0 of config */

static int perf_open(struct perf_event_attr *attr, pid_t pid)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = syscall(SYS_perf_event_open, attr, pid, pid < 0 ? 0 : -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Returns the number in a file, or -errno. */
static long perf_read_number(const char *path)
{
	char text[32];
	long len = file_read(path, text, sizeof(text));

	return len < 0 ? len : atol(text);
}

int perf_open_probe(const char *function, bool at_return, pid_t pid)
{
	struct perf_event_attr attr = {
		.config = at_return ? AT_RETURN : 0,
		.config1 = (unsigned long)function,
	};
	long type = perf_read_number(KPROBE);

	if (type < 0)
		return type;
	attr.type = type;
	return perf_open(&attr, pid);
}

int perf_open_event(const char *name, pid_t pid)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT };
	char path[256];
	long id;

	snprintf(path, sizeof(path), EVENTS "/%s/id", name);
	id = perf_read_number(path);
	if (id < 0)
		return id;
	attr.config = id;
	return perf_open(&attr, pid);
}

long perf_count(int fd)
{
	unsigned long long count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return errno ? -errno : -EIO;
	return count;
}
