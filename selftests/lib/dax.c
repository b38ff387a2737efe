// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dax.h"
#include "file.h"
#include "iomem.h"
#include "module.h"

#define ND "/sys/bus/nd/"
#define DAX "/sys/bus/dax/"
#define NAMESPACE "namespace0.0"
#define TRIES 100
#define PAUSE_US 20000

/* The device of the namespace, dax0.N or pfn0.N, and its driver. */
static char device[32];
static const char *driver;

static int write_to(const char *directory, const char *name, const char *file, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s/%s", directory, name, file);
	return file_write(path, text);
}

/* The bus creates the namespace in a work item. */
static bool namespace_exists(void)
{
	for (int i = 0; i < TRIES; i++) {
		if (!access(ND "devices/" NAMESPACE, F_OK))
			return true;
		usleep(PAUSE_US);
	}
	return false;
}

const char *dax_unavailable(void)
{
	static const char * const later[] = {
		"nd_btt", "nd_pmem", "device_dax", "dax_pmem", "kmem",
	};
	static const char * const needed[] = {
		ND "drivers/nd_pmem", ND "drivers/dax_pmem", DAX "drivers/device_dax",
	};

	module_load("libnvdimm", "");
	module_load("nd_e820", "");
	if (access(ND "drivers_autoprobe", F_OK) || access(DAX "drivers_autoprobe", F_OK))
		return "this kernel lacks the drivers of persistent memory";
	if (!namespace_exists())
		return "no persistent memory: boot with memmap=256M!START";
	if (file_write(ND "drivers_autoprobe", "0") || file_write(DAX "drivers_autoprobe", "0"))
		return "the drivers cannot be kept from binding";
	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++)
		module_load(later[i], "");
	/* If the driver is built in, it has the namespace since the boot. */
	if (!access(ND "drivers/nd_pmem/" NAMESPACE, F_OK))
		file_write(ND "drivers/nd_pmem/unbind", NAMESPACE);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (access(needed[i], F_OK))
			return "this kernel lacks the drivers of DAX";
	}
	return NULL;
}

/*
 * A new UUID each time: the use is recorded on the memory, and the driver refuses another one that
 * has the same UUID.
 */
int dax_configure(const struct dax_use *use)
{
	char align[32], uuid[64];
	const struct {
		const char *file, *text;
	} steps[] = {
		{ .file = "mode", .text = use->map_dev ? "pmem" : "ram" },
		{ .file = "uuid", .text = uuid },
		{ .file = "align", .text = align },
		{ .file = "namespace", .text = NAMESPACE },
	};
	long err;

	err = file_read("/proc/sys/kernel/random/uuid", uuid, sizeof(uuid));
	if (err < 0)
		return err;
	snprintf(align, sizeof(align), "%lu", use->align);
	driver = use->fsdax ? "nd_pmem" : "dax_pmem";
	err = file_read(use->fsdax ? ND "devices/region0/pfn_seed" : ND "devices/region0/dax_seed",
			device, sizeof(device));
	if (err < 0)
		return err;
	device[strcspn(device, "\n")] = '\0';
	err = 0;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !err; i++)
		err = write_to(ND "devices/", device, steps[i].file, steps[i].text);
	return err;
}

int dax_enable(void)
{
	return write_to(ND "drivers/", driver, "bind", device);
}

int dax_disable(void)
{
	return write_to(ND "drivers/", driver, "unbind", device);
}

int dax_bind_device(const char *name)
{
	return write_to(DAX "drivers/", "device_dax", "bind", name);
}

int dax_unbind_device(const char *name)
{
	return write_to(DAX "drivers/", "device_dax", "unbind", name);
}

/* A new id makes the driver bind to the device. */
const char *dax_soft_reserved(void)
{
	static char name[32];
	bool found = false;
	struct dirent *d;
	DIR *dir;

	module_load("dax_hmem", "");
	dir = opendir(DAX "devices");
	while (dir && !found && (d = readdir(dir))) {
		found = !strncmp(d->d_name, "dax", 3);
		snprintf(name, sizeof(name), "%.31s", d->d_name);
	}
	if (dir)
		closedir(dir);
	if (!found)
		return NULL;
	file_write(DAX "drivers/device_dax/new_id", name);	/* an error: it has this id */
	dax_unbind_device(name);
	return name;
}

/* Device DAX has only one device in the region of the namespace. */
#define DEVICE "dax0.0"

int dax_bind(const char *name)
{
	return write_to(DAX "drivers/", name, "bind", DEVICE);
}

int dax_unbind(const char *name)
{
	return write_to(DAX "drivers/", name, "unbind", DEVICE);
}

/* A new id makes kmem bind to each device that has no driver. */
int dax_allow_kmem(void)
{
	int err = dax_bind("device_dax"), unbound;

	if (err)
		return err;
	err = file_write(DAX "drivers/kmem/new_id", DEVICE);
	unbound = dax_unbind("device_dax");
	return err ?: unbound;
}

const char *dax_kmem_block(void)
{
	FILE *f = fopen("/proc/iomem", "re");
	static char path[128];
	bool found = false;
	unsigned long start = 0;
	char line[256];

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, ": System RAM (kmem)") && sscanf(line, " %lx-", &start) == 1;
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/sys/devices/system/memory/memory%lu/state",
		 start / SECTION_SIZE);
	return found ? path : NULL;
}

/* Unbinds a device of the bus nd whose name begins with @prefix, and ends its use. */
static int release_any(const char *of, const char *prefix)
{
	char path[64];
	struct dirent *d;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), ND "drivers/%s", of);
	dir = opendir(path);
	while (dir && !err && (d = readdir(dir))) {
		if (strncmp(d->d_name, prefix, strlen(prefix)))
			continue;
		err = write_to(ND "drivers/", of, "unbind", d->d_name);
	}
	if (dir)
		closedir(dir);
	dir = opendir(ND "devices");
	if (!dir)
		return err;
	while (!err && (d = readdir(dir))) {
		if (!strncmp(d->d_name, prefix, strlen(prefix)))
			write_to(ND "devices/", d->d_name, "namespace", "\n");
	}
	closedir(dir);
	return err;
}

int dax_cleanup(void)
{
	const char *block = dax_kmem_block();
	int err = block ? file_write(block, "offline") : 0;

	if (err == -EINVAL)	/* it is offline */
		err = 0;
	if (!access(DAX "drivers/kmem/" DEVICE, F_OK))
		err = err ?: dax_unbind("kmem");
	if (!access(DAX "drivers/device_dax/" DEVICE, F_OK))
		err = err ?: dax_unbind("device_dax");
	file_write(DAX "drivers/kmem/remove_id", DEVICE);	/* an error: it has no such id */
	if (access(ND "devices", F_OK))
		return err;
	err = err ?: release_any("dax_pmem", "dax");
	return err ?: release_any("nd_pmem", "pfn");
}
