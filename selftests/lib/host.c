// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "host.h"

#define PORTS "/sys/class/virtio-ports"
#define SECONDS 20	/* the limit of the host */
#define GRACE 5		/* by which the guest waits longer */

static bool is_host_port(const char *port)
{
	char path[300], name[64];

	snprintf(path, sizeof(path), PORTS "/%s/name", port);
	return file_read(path, name, sizeof(name)) > 0 &&
	       !strcmp(name, "errpath.host\n");
}

static int host_open(void)
{
	DIR *dir = opendir(PORTS);
	struct dirent *d;
	char path[300];
	int fd = -ENODEV;

	while (dir && fd == -ENODEV && (d = readdir(dir))) {
		if (!is_host_port(d->d_name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", d->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	if (dir)
		closedir(dir);
	return fd;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int read_line(int fd, char *line, size_t size, long deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t used = 0;
	ssize_t n;

	while (used + 1 < size) {
		if (poll(&p, 1, deadline - now_ms()) <= 0 || now_ms() > deadline)
			return -ETIMEDOUT;
		n = read(fd, line + used, 1);
		if (n <= 0)
			return n ? -errno : -EPIPE;
		if (line[used] == '\n')
			break;
		used++;
	}
	line[used] = '\0';
	return 0;
}

/*
 * Sends a request and reads its answer. Requests have numbers, as the answer to an earlier
 * request, whose time was over, may still arrive.
 */
static int host_converse(int fd, const char *request, char *said, size_t size)
{
	const long number = now_ms(), deadline = number + (SECONDS + GRACE) * 1000;
	char line[512];
	long answered;
	int err, from;

	if (dprintf(fd, "%ld %d %s\n", number, SECONDS, request) < 0)
		return -errno;
	do {
		if (read_line(fd, line, sizeof(line), deadline)) {
			snprintf(said, size, "no answer from the host");
			return -ETIMEDOUT;
		}
	} while (sscanf(line, "%ld %d %n", &answered, &err, &from) != 2 ||
		 answered != number);
	snprintf(said, size, "%s", line + from);
	return -err;
}

int host_ask(const char *request, char *said, size_t size)
{
	int err, fd = host_open();

	if (fd < 0) {
		snprintf(said, size, "no port errpath.host: %s", strerror(-fd));
		return fd;
	}
	err = host_converse(fd, request, said, size);
	close(fd);
	return err;
}
