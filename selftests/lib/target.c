// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

#define CALL "/sys/kernel/debug/errpath_target/call"

static int target_order(int fd, const char *order, struct target_calls *calls)
{
	char text[128];
	ssize_t n;

	if (write(fd, order, strlen(order)) < 0)
		return -errno;
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return sscanf(text, "calls %lu failed %lu errno %d ns %llu",
		      &calls->made, &calls->failed, &calls->last_errno,
		      &calls->ns) == 4 ? 0 : -EPROTO;
}

int target_call(unsigned long count, const char *which, const char *context,
		struct target_calls *calls)
{
	int err, fd = open(CALL, O_RDWR | O_CLOEXEC);
	char order[64];

	if (fd < 0)
		return -errno;
	snprintf(order, sizeof(order), "%lu %s %s", count, which, context);
	err = target_order(fd, order, calls);
	close(fd);
	return err;
}
