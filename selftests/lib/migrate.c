// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "migrate.h"

#define MIGRATE "/sys/kernel/debug/errpath_migrate/"

static int migration_parse(const char *text, const char *start, struct migration *m)
{
	int n;

	memset(m, 0, sizeof(*m));
	m->start = start;
	n = sscanf(text, "candidates %ld compound %ld migrated %ld\n%4095s",
		   &m->candidates, &m->compound, &m->migrated, m->pages);
	return n == 4 ? 0 : -EPROTO;
}

/* The module reports the result of each page to a read of the same open file. */
int migrate(const char *mem, size_t size, const char *how, struct migration *m)
{
	int fd = open(MIGRATE "migrate", O_RDWR | O_CLOEXEC);
	char text[sizeof(m->pages) + 128];
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%#lx %#zx %s", (unsigned long)mem, size, how);
	err = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (err)
		return err;
	if (n < 0)
		return -EIO;
	text[n] = '\0';
	return migration_parse(text, mem, m);
}

bool migrate_can(const char *feature)
{
	char text[64], *word, *rest = text;

	if (file_read(MIGRATE "features", text, sizeof(text)) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	while ((word = strsep(&rest, " "))) {
		if (!strcmp(word, feature))
			return true;
	}
	return false;
}

int migrate_pause(int ms)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", ms);
	return file_write(MIGRATE "pause_ms", text);
}

int migrate_evict(void)
{
	return file_write(MIGRATE "evict", "all");
}

long migrate_device_used(void)
{
	char text[64];
	long used;

	if (file_read(MIGRATE "device", text, sizeof(text)) < 0 ||
	    sscanf(text, "pages %*d used %ld", &used) != 1)
		return -1;
	return used;
}
