// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kmsg.h"

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
		return -errno;
	return fd;
}

/* A record is "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT\n CONTINUATION...". */
bool kmsg_next(int fd, char *text, size_t size)
{
	char record[8192], *start;
	ssize_t n;

	do {
		n = read(fd, record, sizeof(record) - 1);
	} while (n < 0 && errno == EPIPE);	/* records were overwritten */
	if (n <= 0)
		return false;
	record[n] = '\0';
	start = strchr(record, ';');
	start = start ? start + 1 : record;
	start[strcspn(start, "\n")] = '\0';
	snprintf(text, size, "%s", start);
	return true;
}

int kmsg_count(int fd, const char *regexp)
{
	char text[1024];
	regex_t re;
	int n = 0;

	if (regcomp(&re, regexp, REG_EXTENDED | REG_NOSUB))
		return -EINVAL;
	while (kmsg_next(fd, text, sizeof(text)))
		n += !regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	return n;
}
