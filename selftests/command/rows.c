// SPDX-License-Identifier: GPL-2.0
/* Reads the file status, which is a table for people. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "rows.h"

char *rows_text(void)
{
	static char status[65536];
	long err = file_read(ERRPATH "/status", status, sizeof(status));

	if (err >= 0)
		return status;
	if (err == -ENOENT)
		complain("no " ERRPATH "/status: load errpath.ko and mount debugfs");
	else if (err == -EACCES)
		complain(ERRPATH "/status: %s: run errpath as root", strerror(-err));
	else
		complain(ERRPATH "/status: %s", strerror(-err));
	return NULL;
}

/* @row: the row above, or zeroed. */
static bool row_parse(const char *line, struct row *row)
{
	row->is_point = *line != ' ';
	if (!row->is_point)
		return sscanf(line, " %255s %15s", row->function, row->by) == 2;
	return sscanf(line, "%63s %31s %255s %15s %llu %llu %llu %llu %255[^\n]", row->name,
		      row->state, row->function, row->by, &row->seen, &row->missed, &row->matched,
		      &row->injected, row->last) == 9;
}

int rows_each(void (*show)(const struct row *row, const void *data), const void *data)
{
	char *status = rows_text(), *line, *save;
	struct row row = {};

	if (!status)
		return EXIT_OWN;
	strtok_r(status, "\n", &save);
	for (line = strtok_r(NULL, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (row_parse(line, &row))
			show(&row, data);
	}
	return 0;
}
