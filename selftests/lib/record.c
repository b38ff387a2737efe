// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port.h"
#include "record.h"

static char line[65536];
static size_t used;
static char closers[16];	/* of what is open now */
static int depth;
static bool first;

static void __attribute__((format(printf, 1, 2))) put(const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line + used, sizeof(line) - used, fmt, args);
	va_end(args);
	used += n;
	if (used >= sizeof(line) - 1) {
		fprintf(stderr, "# record: line too long, enlarge it\n");
		abort();
	}
}

static void put_text(const char *text)
{
	put("\"");
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			put("\\%c", c);
		else if (c < ' ' || c > '~')
			put("\\u%04x", c);
		else
			put("%c", c);
	}
	put("\"");
}

static void put_key(const char *key)
{
	if (!first)
		put(",");
	first = false;
	if (!key)
		return;
	put_text(key);
	put(":");
}

static void open_with(const char *key, char opener, char closer)
{
	put_key(key);
	put("%c", opener);
	closers[depth++] = closer;
	first = true;
}

void record_begin(const char *event)
{
	used = 0;
	depth = 0;
	first = true;
	open_with(NULL, '{', '}');
	record_text("event", event);
}

void record_text(const char *key, const char *value)
{
	put_key(key);
	put_text(value);
}

void record_number(const char *key, long value)
{
	put_key(key);
	put("%ld", value);
}

void record_array(const char *key)
{
	open_with(key, '[', ']');
}

void record_object(const char *key)
{
	open_with(key, '{', '}');
}

void record_close(void)
{
	put("%c", closers[--depth]);
	first = false;
}

void record_end(void)
{
	static int port = -1;
	size_t sent = 0;
	ssize_t n = 0;

	while (depth)
		record_close();
	put("\n");
	if (port == -1)
		port = port_open("errpath.sweep", O_WRONLY);
	while (port >= 0 && sent < used && n >= 0) {
		n = write(port, line + sent, used - sent);
		sent += n;
	}
	if (port < 0 || n < 0)
		printf("# %s", line);
}
