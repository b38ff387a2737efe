// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kept.h"
#include "lib/counters.h"

#define FILE_NAME "/proc/allocinfo"
#define LINES 16384
#define SETTLINGS 5		/* until RCU has freed what it frees later */

struct table {
	int nr;
	struct kept line[LINES];
};

static struct table *before, *between, *after;

/* A line is BYTES CALLS FILE:LINE [MODULE] func:FUNCTION; others are titles. */
static int line_parse(const char *text, struct kept *k)
{
	char place[80], *function = strstr(text, " func:");
	int found = sscanf(text, "%ld %ld %79s", &k->bytes, &k->calls, place);

	if (found != 3 || !function)
		return 0;
	snprintf(k->where, sizeof(k->where), "%s %.*s", place,
		 (int)strcspn(function + 6, "\n "), function + 6);
	return 1;
}

static int table_read(struct table *t)
{
	FILE *file = fopen(FILE_NAME, "re");
	char text[512];

	t->nr = 0;
	if (!file)
		return -errno;
	while (t->nr < LINES && fgets(text, sizeof(text), file))
		t->nr += line_parse(text, &t->line[t->nr]);
	fclose(file);
	return t->nr < LINES ? 0 : -ENOSPC;
}

static int table_read_settled(struct table *t)
{
	for (int i = 0; i < SETTLINGS; i++)
		counters_settle();
	return table_read(t);
}

int kept_open(void)
{
	struct table *tables = calloc(3, sizeof(*tables));

	if (!tables)
		return -ENOMEM;
	before = &tables[0];
	between = &tables[1];
	after = &tables[2];
	/* The second reading finds the memory of the first one in use. */
	return table_read(before) ?: table_read(between) ?: table_read(after);
}

static int run_times(int (*operation)(void *arg), void *arg, int times)
{
	int err = 0;

	for (int i = 0; i < times && !err; i++)
		err = operation(arg);
	return err;
}

/* Lines keep their order while no module comes or goes. */
static long growth_of_calls(const struct table *from, const struct table *to, int i)
{
	return strcmp(from->line[i].where, to->line[i].where) ? 0 :
	       to->line[i].calls - from->line[i].calls;
}

static int kept_collect(int times, struct kept *out, int max)
{
	int nr = 0;

	for (int i = 0; i < before->nr && i < between->nr && i < after->nr && nr < max; i++) {
		long clean = growth_of_calls(before, between, i);
		long lost = growth_of_calls(between, after, i) - (clean > 0 ? clean : 0);

		if (lost < times)
			continue;
		out[nr] = after->line[i];
		out[nr].bytes = (after->line[i].bytes - between->line[i].bytes) / times;
		out[nr++].calls = lost / times;
	}
	return nr;
}

int kept_measure(int (*clean)(void *arg), int (*failing)(void *arg), void *arg, int times,
		 struct kept *out, int max)
{
	int err = table_read_settled(before) ?: run_times(clean, arg, times);

	err = err ?: table_read_settled(between) ?: run_times(failing, arg, times);
	err = err ?: table_read_settled(after);
	return err ?: kept_collect(times, out, max);
}
