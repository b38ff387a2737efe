// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "kselftest.h"
#include "module.h"
#include "vmbus.h"

#define SIM "/sys/kernel/debug/vmbus_sim/"
#define DRIVER "/sys/bus/vmbus/drivers/hv_pci/"
#define CONFIG_WINDOW 0x2000
#define BUSES 4

const char *vmbus_unavailable(void)
{
	if (!module_exists("vmbus_sim"))
		return "no vmbus_sim.ko: this kernel has no CONFIG_PCI_HYPERV";
	return NULL;
}

/* @file: file name without .ko; @name: name in /sys/module. A built-in driver has no file. */
static int vmbus_load_once(const char *file, const char *name, const char *parameters)
{
	if (!module_exists(file) || module_loaded(name))
		return 0;
	return module_load(file, parameters);
}

static int vmbus_load_modules(void)
{
	static const struct {
		const char *file, *name, *parameters;
	} modules[] = {
		{ .file = "vmbus_sim", .name = "vmbus_sim", .parameters = "buses=0" },
		{ .file = "hv_vmbus", .name = "hv_vmbus", .parameters = "" },
		{ .file = "pci-hyperv-intf", .name = "pci_hyperv_intf", .parameters = "" },
		{ .file = "pci-hyperv", .name = "pci_hyperv", .parameters = "" },
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(modules) && !err; i++)
		err = vmbus_load_once(modules[i].file, modules[i].name, modules[i].parameters);
	return err;
}

static int vmbus_set_parameter(char *setting)
{
	char path[128], *name = strsep(&setting, "=");

	snprintf(path, sizeof(path), "/sys/module/vmbus_sim/parameters/%s",
		 name);
	return setting ? file_write(path, setting) : -EINVAL;
}

static int vmbus_set_parameters(const char *parameters)
{
	char text[256], *rest = text, *one;
	int err = 0;

	snprintf(text, sizeof(text), "%s", parameters);
	while (!err && (one = strsep(&rest, " ")))
		if (*one)
			err = vmbus_set_parameter(one);
	return err;
}

static int vmbus_set_and_offer(const char *parameters)
{
	return vmbus_set_parameters(parameters) ?: vmbus_command("offer", 0, -1);
}

int vmbus_start(const char *parameters)
{
	int err = vmbus_load_modules();

	if (!err)
		err = file_write(SIM "reset", "\n");
	return err ?: vmbus_set_and_offer(parameters);
}

int vmbus_offer_anew(const char *parameters)
{
	return vmbus_command("rescind", 0, -1) ?: vmbus_set_and_offer(parameters);
}

/* pci-hyperv leaks memory for a bus that is rescinded while the driver is bound: unbind first. */
static void vmbus_unbind_all(void)
{
	for (int bus = 0; bus < BUSES; bus++)
		if (vmbus_bound(bus))
			vmbus_unbind(bus);
}

int vmbus_stop(void)
{
	if (!module_loaded("vmbus_sim"))
		return 0;
	vmbus_unbind_all();
	return file_write(SIM "reset", "\n");
}

int vmbus_unload(void)
{
	int err = vmbus_stop();

	if (!err && module_loaded("pci_hyperv"))
		err = module_unload("pci_hyperv");
	if (!err && module_loaded("vmbus_sim"))
		err = module_unload("vmbus_sim");
	return err;
}

const char *vmbus_device(int bus)
{
	static char name[64];

	snprintf(name, sizeof(name), "65727270-515%d-4400-8000-73696d62750%d",
		 bus, bus);
	return name;
}

bool vmbus_bound(int bus)
{
	char path[256];

	snprintf(path, sizeof(path), DRIVER "%s", vmbus_device(bus));
	return !access(path, F_OK);
}

int vmbus_bind(int bus)
{
	return file_write(DRIVER "bind", vmbus_device(bus));
}

int vmbus_unbind(int bus)
{
	return file_write(DRIVER "unbind", vmbus_device(bus));
}

int vmbus_command(const char *command, int bus, int number)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), SIM "%s", command);
	if (number < 0)
		snprintf(text, sizeof(text), "%d", bus);
	else
		snprintf(text, sizeof(text), "%d %d", bus, number);
	return file_write(path, text);
}

static void rule_path(char *path, size_t size, const char *message,
		      const char *knob)
{
	snprintf(path, size, SIM "messages/%s/%s", message, knob);
}

int vmbus_rule(const char *message, const char *knob, unsigned long value)
{
	char path[128], text[32];

	rule_path(path, sizeof(path), message, knob);
	snprintf(text, sizeof(text), "%#lx", value);
	return file_write(path, text);
}

int vmbus_host_version(unsigned long version)
{
	char text[32];

	snprintf(text, sizeof(text), "%#lx", version);
	return file_write(SIM "version", text);
}

long vmbus_seen(const char *message)
{
	char path[128], text[32];
	long len;

	rule_path(path, sizeof(path), message, "seen");
	len = file_read(path, text, sizeof(text));
	return len < 0 ? len : atol(text);
}

/* Names are like "5150:00:03.0". The domain is a part of the name of the hv_device. */
int vmbus_functions(int bus)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;
	char domain[16];
	int found = 0;

	if (!dir)
		return -errno;
	snprintf(domain, sizeof(domain), "515%d:", bus);
	while ((entry = readdir(dir)) != NULL)
		found += !strncmp(entry->d_name, domain, strlen(domain));
	closedir(dir);
	return found;
}

unsigned long vmbus_bar(int bus, int slot, int bar)
{
	unsigned long start = 0, end = 0;
	char path[128], text[1024], *line;

	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/515%d:00:%02x.0/resource", bus, slot);
	if (file_read(path, text, sizeof(text)) < 0)
		return 0;
	for (line = text; line && bar--; )
		line = strchr(line, '\n') + 1;
	if (sscanf(line, "%lx %lx", &start, &end) != 2 || !start)
		return 0;
	return end - start + 1;
}

static int open_config(int bus, int slot)
{
	char path[128];

	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/515%d:00:%02x.0/config", bus, slot);
	return open(path, O_RDWR | O_CLOEXEC);
}

long vmbus_config_read(int bus, int slot, int where, int size)
{
	unsigned int value = 0;
	int fd = open_config(bus, slot);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = pread(fd, &value, size, where);
	close(fd);
	return n == size ? (long)value : -1;
}

int vmbus_config_write(int bus, int slot, int where, int size,
		       unsigned int value)
{
	int fd = open_config(bus, slot), err = 0;

	if (fd < 0)
		return -errno;
	if (pwrite(fd, &value, size, where) != size)
		err = -EIO;
	close(fd);
	return err;
}

int vmbus_windows(int bus, struct vmbus_window *windows, int max)
{
	FILE *f = fopen("/proc/iomem", "re");
	unsigned long start, end;
	char line[256], name[64];
	int found = 0;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx : %63s", &start, &end, name) != 3 ||
		    strcmp(name, vmbus_device(bus)))
			continue;
		if (found < max)
			windows[found] = (struct vmbus_window){
				start, end - start + 1 };
		found++;
	}
	fclose(f);
	return found;
}

struct vmbus_window vmbus_config_window(int bus)
{
	struct vmbus_window windows[8];
	int i, n = vmbus_windows(bus, windows, 8);

	for (i = 0; i < n && i < 8; i++)
		if (windows[i].size == CONFIG_WINDOW)
			return windows[i];
	return (struct vmbus_window){ 0, 0 };
}
