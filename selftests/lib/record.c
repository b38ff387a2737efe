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
static char closers[16];	/* of the objects and arrays that are open */
static int depth;
static bool first;
static int port = -1;		/* to the host */

static void __attribute__((format(printf, 1, 2))) record_put(const char *fmt, ...)
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

static void record_put_text(const char *text)
{
	record_put("\"");
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			record_put("\\%c", c);
		else if (c < ' ' || c > '~')
			record_put("\\u%04x", c);
		else
			record_put("%c", c);
	}
	record_put("\"");
}

static void record_put_key(const char *key)
{
	if (!first)
		record_put(",");
	first = false;
	if (!key)
		return;
	record_put_text(key);
	record_put(":");
}

static void record_open(const char *key, char opener, char closer)
{
	record_put_key(key);
	record_put("%c", opener);
	closers[depth++] = closer;
	first = true;
}

void record_start(void)
{
	used = 0;
	depth = 0;
	first = true;
	record_open(NULL, '{', '}');
}

void record_begin(const char *event)
{
	record_start();
	record_text("event", event);
}

void record_text(const char *key, const char *value)
{
	record_put_key(key);
	record_put_text(value);
}

void record_number(const char *key, long value)
{
	record_put_key(key);
	record_put("%ld", value);
}

void record_array(const char *key)
{
	record_open(key, '[', ']');
}

void record_object(const char *key)
{
	record_open(key, '{', '}');
}

void record_close(void)
{
	record_put("%c", closers[--depth]);
	first = false;
}

static void record_finish(void)
{
	while (depth)
		record_close();
	record_put("\n");
}

void record_print(FILE *file)
{
	record_finish();
	fputs(line, file);
}

bool record_reaches_host(void)
{
	return port >= 0;
}

void record_end(void)
{
	size_t sent = 0;
	ssize_t n = 0;

	record_finish();
	if (port == -1)
		port = port_open("errpath.sweep", O_WRONLY);
	while (port >= 0 && sent < used && n >= 0) {
		n = write(port, line + sent, used - sent);
		sent += n;
	}
	if (port < 0 || n < 0)
		printf("# %s", line);
}
