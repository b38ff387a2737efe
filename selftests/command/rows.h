/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMMAND_ROWS_H
#define COMMAND_ROWS_H

#include <stdbool.h>

/*
 * A row of the file status: a point, or a further function of the point above it, whose name it
 * then has, and "+N" with "absent" if the kernel lacks N more functions of the point.
 */
struct row {
	char name[64], state[32], function[256], by[16], last[256];
	unsigned long long seen, missed, matched, injected;
	bool is_point;
};

/* Returns the text of the file status, or NULL after a line. */
char *rows_text(void);
/* Calls @show for each row behind the head of the table. Returns 0, or EXIT_OWN after a line. */
int rows_each(void (*show)(const struct row *row, const void *data), const void *data);

#endif
