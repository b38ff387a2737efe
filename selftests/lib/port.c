// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "port.h"

static int port_open_device(char *name_file, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", basename(dirname(name_file)));
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int port_open(const char *name, int flags)
{
	char found[128];
	int fd = -ENODEV;
	glob_t files;

	if (glob("/sys/class/virtio-ports/*/name", 0, NULL, &files))
		return -ENODEV;
	for (size_t i = 0; i < files.gl_pathc && fd == -ENODEV; i++) {
		if (file_read(files.gl_pathv[i], found, sizeof(found)) < 0)
			continue;
		found[strcspn(found, "\n")] = '\0';
		if (!strcmp(found, name))
			fd = port_open_device(files.gl_pathv[i], flags);
	}
	globfree(&files);
	return fd;
}
