// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "module.h"

#ifndef MODULE_INIT_COMPRESSED_FILE	/* of Linux 5.17 */
#define MODULE_INIT_COMPRESSED_FILE 4
#endif

#define INSTALLED "/lib/modules/%s/%s"	/* release and file */

static void module_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s.ko", getenv("ERRPATH_MODULES") ?: "/modules", name);
}

static void installed_path(char *path, size_t size, const char *file)
{
	struct utsname kernel;

	uname(&kernel);
	snprintf(path, size, INSTALLED, kernel.release, file);
}

/* True if a line of modules.dep is about @name: DIRECTORY/NAME.ko, maybe compressed. */
static bool is_about(const char *line, const char *name)
{
	size_t length = strlen(name), end = strcspn(line, ":");
	const char *file = memrchr(line, '/', end);

	file = file ? file + 1 : line;
	return !strncmp(file, name, length) && !strncmp(file + length, ".ko", 3);
}

/*
 * Reads the line of modules.dep about an installed module: FILE: FILE..., of which the last one is
 * to be loaded first. Returns its length, or -errno.
 */
static ssize_t installed_line(const char *name, char **line)
{
	size_t size = 0;
	ssize_t length;
	char path[512];
	FILE *file;

	installed_path(path, sizeof(path), "modules.dep");
	file = fopen(path, "re");
	if (!file)
		return -ENOENT;
	*line = NULL;
	while ((length = getline(line, &size, file)) > 0 && !is_about(*line, name))
		;
	fclose(file);
	return length > 0 ? length : -ENOENT;
}

static int file_load(const char *path, const char *parameters)
{
	int flags = strcmp(path + strlen(path) - 3, ".ko") ? MODULE_INIT_COMPRESSED_FILE : 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, parameters, flags) ? -errno : 0;
	close(fd);
	return err;
}

/* Loads an installed module behind those that it needs. */
static int installed_load(const char *name, const char *parameters)
{
	char *line = NULL, *word, path[512];
	ssize_t length = installed_line(name, &line);
	int err = length < 0 ? length : 0;

	while (!err) {
		length = strcspn(line, "\n");
		line[length] = '\0';
		word = strrchr(line, ' ');
		if (!word)
			break;
		*word = '\0';
		installed_path(path, sizeof(path), word + 1);
		err = file_load(path, "");
		if (err == -EEXIST)
			err = 0;
	}
	if (!err) {
		*strchrnul(line, ':') = '\0';
		installed_path(path, sizeof(path), line);
		err = file_load(path, parameters);
	}
	free(line);
	return err;
}

bool module_exists(const char *name)
{
	char path[512], *line = NULL;
	bool found;

	module_path(path, sizeof(path), name);
	found = !access(path, R_OK) || installed_line(name, &line) >= 0;
	free(line);
	return found;
}

int module_load(const char *name, const char *parameters)
{
	char path[512];

	module_path(path, sizeof(path), name);
	if (access(path, F_OK))
		return installed_load(name, parameters);
	return file_load(path, parameters);
}

int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

bool module_loaded(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return !access(path, F_OK);
}
