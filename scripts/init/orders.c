// SPDX-License-Identifier: GPL-2.0
/*
 * Orders of the host: words for the environment and files. The host gives them in an item of
 * QEMU's fw_cfg, which is read without a driver. A guest that is a template reads "wait"; the
 * guests that are restored from it read other orders at the same place.
 *
 *   wait                           read again after a moment
 *   go                             the last line of all other orders, which are
 *   env NAME=VALUE
 *   file MODE LENGTH PATH          and, after the newline, LENGTH bytes of content
 *
 * scripts/host/orders.py writes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"
#include "lib/fw_cfg.h"

#define ITEM		"opt/errpath/orders"

/* Write the file of an order "MODE LENGTH PATH". Return what follows its content. */
static char *order_file(char *rest, char *content)
{
	unsigned int mode;
	size_t length;
	int fd, at = 0;

	if (sscanf(rest, "%o %zu %n", &mode, &length, &at) != 2 || !at)
		die("order: file %s", rest);
	fd = must(open(rest + at, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode), rest + at);
	must(fchmod(fd, mode), rest + at);
	if (write(fd, content, length) != (ssize_t)length)
		die("order: cannot write %s", rest + at);
	close(fd);
	return content + length;
}

static void orders_follow(char *text)
{
	char *line;

	for (;;) {
		line = strsep(&text, "\n");
		if (!text)
			die("orders end without go");
		if (!strcmp(line, "go"))
			return;
		if (!strncmp(line, "file ", 5))
			text = order_file(line + 5, text);
		else if (!strncmp(line, "env ", 4) && strchr(line + 4, '='))
			must(putenv(line + 4), "environment");
		else
			die("order: %s", line);
	}
}

/*
 * A template that is stopped while it reads "wait" goes on with other orders in the middle of
 * them: only what ends in "go" counts.
 */
static bool orders_are_whole(const char *text)
{
	size_t len = strlen(text);

	return len >= 3 && !strcmp(text + len - 3, "go\n");
}

void orders_take(void)
{
	bool waits = false;
	char *text;
	int err;

	err = fw_cfg_open();
	if (err == -ENODEV)
		return;
	errno = -err;
	/* Without the ports the guest would not do what the host wants. */
	must(err, "fw_cfg (CONFIG_X86_IOPL_IOPERM, CONFIG_DEVMEM)");
	while ((text = fw_cfg_read(ITEM)) && !orders_are_whole(text)) {
		/* The host sees this line on the console, and stops the guest. */
		if (!waits)
			dprintf(STDERR_FILENO, ORDERS_WAIT "\n");
		waits = true;
		free(text);
		usleep(10000);
	}
	if (text)
		orders_follow(text);	/* putenv() keeps parts of the text */
	fw_cfg_close();
}
