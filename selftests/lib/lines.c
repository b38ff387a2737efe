// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "lines.h"

size_t lines_length(const char *text)
{
	size_t len = strcspn(text, "\n");

	return len + (text[len] == '\n');
}

static bool lines_equal(const char *a, const char *b)
{
	size_t len = lines_length(a);

	return len == lines_length(b) && !memcmp(a, b, len);
}

/* Counts the lines of @text, up to @end, that are equal to @line. */
static long lines_count(const char *text, const char *end, const char *line)
{
	long n = 0;

	for (; text < end; text += lines_length(text))
		n += lines_equal(text, line);
	return n;
}

const char *lines_missing(const char *text, const char *at, const char *other)
{
	const char *end = other + strlen(other);

	for (; *at; at += lines_length(at)) {
		if (lines_count(text, at + 1, at) > lines_count(other, end, at))
			return at;
	}
	return NULL;
}

bool lines_in_order(const char *some, const char *text)
{
	for (; *text && *some; text += lines_length(text)) {
		if (lines_equal(some, text))
			some += lines_length(some);
	}
	return !*some;
}
