// SPDX-License-Identifier: GPL-2.0
/* errpath status, points, off: what the kernel's files show, for people and for programs. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "command.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/record.h"
#include "rows.h"

static void close_point(bool open)
{
	if (!open)
		return;
	record_close();		/* the functions */
	record_close();
}

static void open_point(const struct row *row)
{
	record_object(NULL);
	record_text("name", row->name);
	record_text("state", row->state);
	record_number("seen", row->seen);
	record_number("missed", row->missed);
	record_number("matched", row->matched);
	record_number("injected", row->injected);
	record_text("last", strcmp(row->last, "-") ? row->last : "");
	record_array("functions");
}

static void show_json(const struct row *row, const void *data)
{
	bool *open = (bool *)data;

	if (row->is_point) {
		close_point(*open);
		open_point(row);
		*open = true;
	} else if (*row->function == '+') {
		return;		/* the number of absent functions */
	}
	record_object(NULL);
	record_text("name", row->function);
	record_text("by", row->by);
	record_close();
}

static int print_json(void)
{
	bool open = false;
	int err;

	record_start();
	record_array("points");
	err = rows_each(show_json, &open);
	if (err)
		return err;
	close_point(open);
	record_print(stdout);
	return 0;
}

int command_status(const struct arguments *a)
{
	const char *status;

	if (a->json)
		return print_json();
	status = rows_text();
	if (!status)
		return EXIT_OWN;
	fputs(status, stdout);
	return 0;
}

static void show_point(const struct row *row, const void *data)
{
	static bool present;

	(void)data;
	if (row->is_point)
		printf("%s%-16s %s", present ? "\n" : "", row->name, row->function);
	else if (*row->function != '+')
		printf(" %s", row->function);
	present = true;
}

/* The knobs of a point and their values; of the long ones only that they exist. */
static int print_knobs(const char *point)
{
	char path[300], value[1024];
	struct dirent *entry;
	DIR *knobs;

	snprintf(path, sizeof(path), ERRPATH "/%s", point);
	knobs = strchr(point, '/') ? NULL : opendir(path);
	if (!knobs)
		return complain("no point %s: errpath points lists them", point);
	while ((entry = readdir(knobs))) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "stats"))
			continue;
		if (knob_get(point, entry->d_name, value, sizeof(value)))
			continue;
		for (char *c = value; *c; c++)
			*c = *c == '\n' ? ' ' : *c;
		printf("%s=%s\n", entry->d_name, value);
	}
	closedir(knobs);
	return 0;
}

int command_points(const struct arguments *a)
{
	int err;

	if (a->target)
		return print_knobs(a->target);
	err = rows_each(show_point, NULL);
	if (!err)
		printf("\n");
	return err;
}

int command_off(const struct arguments *a)
{
	struct injection i;
	int err = injection_begin(&i);

	(void)a;
	if (err)
		return err;
	injection_end(&i);
	return 0;
}
