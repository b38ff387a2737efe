// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "file.h"

#define REMOVE_TRIES 100
#define REMOVE_PAUSE_US 10000

const char *cgroup_root(void)
{
	static char root[256];
	char line[1024], type[64];
	FILE *f;

	if (*root)
		return root;
	f = fopen("/proc/self/mounts", "re");
	if (!f)
		return NULL;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %255s %63s", root, type) == 2 && !strcmp(type, "cgroup2"))
			break;
		*root = '\0';
	}
	fclose(f);
	return *root ? root : NULL;
}

/* Writes the path of @file of the cgroup @name. */
static int cgroup_path(char *path, size_t size, const char *name, const char *file)
{
	const char *root = cgroup_root();

	if (!root)
		return -ENOENT;
	snprintf(path, size, "%s/%s/%s", root, name, file);
	return 0;
}

static int cgroup_write(const char *name, const char *file, const char *text)
{
	char path[512];

	return cgroup_path(path, sizeof(path), name, file) ?: file_write(path, text);
}

int cgroup_open(void)
{
	int err = cgroup_write("", "cgroup.subtree_control", "+memory");

	/* The kernel has no such controller, or another hierarchy has it. */
	return err == -EINVAL ? -ENOENT : err;
}

int cgroup_make(const char *name)
{
	char path[512];
	int err = cgroup_path(path, sizeof(path), name, "");

	return err ?: mkdir(path, 0700) ? -errno : 0;
}

int cgroup_enter(const char *name)
{
	return cgroup_write(name, "cgroup.procs", "0");
}

int cgroup_remove(const char *name)
{
	char path[512];
	int err = cgroup_path(path, sizeof(path), name, "");

	/* A process that has ended leaves its cgroup a moment later. */
	for (int i = 0; i < REMOVE_TRIES && !err; i++) {
		if (!rmdir(path))
			return 0;
		if (errno != EBUSY)
			return -errno;
		usleep(REMOVE_PAUSE_US);
	}
	return err ?: -EBUSY;
}

long cgroups_removed(void)
{
	static const char name[] = "nr_dying_descendants ";
	char path[512], text[2048], *at;
	long err = cgroup_path(path, sizeof(path), "", "cgroup.stat");

	if (!err)
		err = file_read(path, text, sizeof(text));
	if (err < 0)
		return err;
	at = strstr(text, name);
	return at ? strtol(at + strlen(name), NULL, 10) : -EPROTO;
}
