// SPDX-License-Identifier: GPL-2.0
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "kselftest.h"
#include "counters.h"
#include "file.h"
#include "references.h"

/* Caches of kernel/fork.c and of the file that has the name of each kind. */
static struct kind {
	const char *cache;
	/* Each task has one, and kernel threads come and go at any time. */
	bool of_tasks;
	enum { KIND_UNKNOWN, KIND_ABSENT, KIND_PRESENT } state;
	int shrink;		/* descriptor */
} kinds[] = {
	{ .cache = "mm_struct" },
	{ .cache = "task_struct", .of_tasks = true },
	{ .cache = "signal_cache", .of_tasks = true },
	{ .cache = "sighand_cache", .of_tasks = true },
	{ .cache = "files_cache" },
	{ .cache = "fs_cache" },
	{ .cache = "pid", .of_tasks = true },
	{ .cache = "cred", .of_tasks = true },
	{ .cache = "cred_jar", .of_tasks = true },	/* cred before 6.12 */
	{ .cache = "uid_cache" },
	{ .cache = "user_namespace" },
	{ .cache = "pid_namespace" },
	{ .cache = "net_namespace" },
	{ .cache = "uts_namespace" },
	{ .cache = "nsproxy" },
};

void references_visit_cpus(void)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/*
 * The kernel merges caches whose objects have the same size, unless it has the option
 * slab_nomerge. The descriptor stays open, because opening a file makes CPUs take objects.
 */
static bool kind_is_present(struct kind *kind)
{
	char path[128], aliases[16], counter[64];

	if (kind->state != KIND_UNKNOWN)
		return kind->state == KIND_PRESENT;
	kind->state = KIND_ABSENT;
	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/aliases", kind->cache);
	if (file_read(path, aliases, sizeof(aliases)) <= 0 || *aliases != '0')
		return false;
	snprintf(counter, sizeof(counter), "slab.%s", kind->cache);
	kind->shrink = counters_open_shrink(counter);
	if (kind->shrink >= 0)
		kind->state = KIND_PRESENT;
	return kind->state == KIND_PRESENT;
}

void references_shrink(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kind_is_present(&kinds[i]))
			counters_shrink_by(kinds[i].shrink);
	}
}

static long live_tasks(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? 0 : info.procs;
}

void references_each(void (*take)(const char *cache, long live, void *data), void *data)
{
	const long tasks = live_tasks();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kind_is_present(&kinds[i]))
			take(kinds[i].cache, kinds[i].of_tasks ? tasks : 0, data);
	}
}
