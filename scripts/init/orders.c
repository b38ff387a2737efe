// SPDX-License-Identifier: GPL-2.0
/*
 * Orders of the host: words for the environment and files. The host gives them in an item of
 * QEMU's fw_cfg, which is read by I/O ports alone. A guest that is a template reads "wait"; the
 * guests that are restored from it read other orders at the same place.
 *
 *   wait                           read again after a moment
 *   go                             the last line of all other orders, which are
 *   env NAME=VALUE
 *   file MODE LENGTH PATH          and, after the newline, LENGTH bytes of content
 *
 * scripts/host/orders.py writes them.
 */
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

/* QEMU's docs/specs/fw_cfg: ports of a PC, keys, and the form of the directory. */
#define PORT_SELECT	0x510
#define PORT_DATA	0x511
#define KEY_SIGNATURE	0x00
#define KEY_DIRECTORY	0x19
#define ITEM		"opt/errpath/orders"

struct item {
	unsigned int size;		/* big endian */
	unsigned short key;		/* big endian */
	unsigned short reserved;
	char name[56];
};

static void item_select(unsigned int key)
{
	outw(key, PORT_SELECT);
}

static void item_read(void *data, size_t size)
{
	insb(PORT_DATA, data, size);
	/* glibc does not tell the compiler that insb() writes to memory. */
	asm volatile("" : : : "memory");
}

static bool has_fw_cfg(void)
{
	char signature[4];

	/* Without them the guest would not do what the host wants. */
	must(ioperm(PORT_SELECT, 2, 1), "I/O ports (CONFIG_X86_IOPL_IOPERM)");
	item_select(KEY_SIGNATURE);
	item_read(signature, sizeof(signature));
	return !memcmp(signature, "QEMU", sizeof(signature));
}

/* Return the orders and a NUL, to be freed; NULL: the host gives none. */
static char *orders_read(void)
{
	struct item item;
	unsigned int n;
	char *text;

	item_select(KEY_DIRECTORY);
	item_read(&n, sizeof(n));
	for (n = be32toh(n); n; n--) {
		item_read(&item, sizeof(item));
		if (!strncmp(item.name, ITEM, sizeof(item.name)))
			break;
	}
	if (!n)
		return NULL;
	text = calloc(1, be32toh(item.size) + 1);
	if (!text)
		die("no memory for orders");
	item_select(be16toh(item.key));
	item_read(text, be32toh(item.size));
	return text;
}

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

void orders_take(void)
{
	bool waits = false;
	char *text;

	if (!has_fw_cfg())
		return;
	while ((text = orders_read()) && !strcmp(text, "wait\n")) {
		/* The host sees this line on the console, and stops the guest. */
		if (!waits)
			dprintf(STDERR_FILENO, ORDERS_WAIT "\n");
		waits = true;
		free(text);
		usleep(10000);
	}
	if (text)
		orders_follow(text);	/* putenv() keeps parts of the text */
	ioperm(PORT_SELECT, 2, 0);
}
