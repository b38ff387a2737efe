// SPDX-License-Identifier: GPL-2.0
/* Processors that go offline and come back. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/file.h"
#include "loads.h"

#define CPU "/sys/devices/system/cpu/cpu%d/online"

static int cpu_set_online(int cpu, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), CPU, cpu);
	return file_write(path, value);
}

static const char *cpus_unavailable(void)
{
	char path[64];

	/* CPU 0 stays: it has no such file. */
	snprintf(path, sizeof(path), CPU, 1);
	return access(path, F_OK) ? "there is no processor that can go offline" : NULL;
}

static int cpus_once(void)
{
	for (int cpu = 1; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++) {
		int err = cpu_set_online(cpu, "0");

		/* There is no memory to make the state of the processor again. */
		if (!err)
			while ((err = cpu_set_online(cpu, "1")) == -ENOMEM)
				usleep(1000);
		if (err && err != -EBUSY)
			return err;
	}
	return 0;
}

static int cpus_undo(void)
{
	for (int cpu = 1; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++) {
		int err = cpu_set_online(cpu, "1");

		if (err)
			return err;
	}
	return 0;
}

const struct load load_cpus = {
	.name = "cpus",
	.unavailable = cpus_unavailable,
	.once = cpus_once,
	.pause_us = 400000,
	.undo = cpus_undo,
};
