// SPDX-License-Identifier: GPL-2.0
/*
 * How costs grow: of a call with the number of points armed, of tasks, callers and scopes named,
 * and of CPUs; of arming with the number of CPUs. The case of a line is that number.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "costs.h"

#include "lib/knobs.h"
#include "lib/symbols.h"

#define POINT "target"
#define MOST_TASKS 60
#define MOST_NAMES 30
#define LONGEST 10	/* so that MOST_NAMES names and "stack:" fit into a knob */

static void report_number(const char *subject, int number, long long count)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", number);
	report(subject, "errpath", name, count);
}

/* Arms the point of this name, unless this kernel lacks it. Returns whether it is armed. */
static bool points_arm_one(const char *point)
{
	const char *state = point_state(point);

	if (!strcmp(state, "absent") || !strcmp(state, "waiting"))
		return false;
	return !check(point_arm_other(point), point);
}

/* All points of ERRPATH, the measured one first. */
static void measure_points(void)
{
	DIR *dir = opendir(ERRPATH);
	struct dirent *entry;
	int armed = 1;

	if (!dir) {
		check(-errno, ERRPATH);
		return;
	}
	check(point_arm_other(POINT), POINT);
	report_number("points", armed, loop_measure(LOOP_FTRACE, false));
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    !strcmp(entry->d_name, POINT) || !points_arm_one(entry->d_name))
			continue;
		report_number("points", ++armed, loop_measure(LOOP_FTRACE, false));
	}
	rewinddir(dir);
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			check(disarm(entry->d_name), entry->d_name);
	closedir(dir);
}

static bool measured_number(int number, int most)
{
	return number == 1 || number == 2 || number == 5 || number % 10 == 0 || number == most;
}

static void measure_tasks(void)
{
	char pids[MOST_TASKS * 8] = "";
	pid_t children[MOST_TASKS];
	int i;

	for (i = 0; i < MOST_TASKS; i++) {
		children[i] = process_start();
		snprintf(pids + strlen(pids), sizeof(pids) - strlen(pids), "%d ", children[i]);
		if (!measured_number(i + 1, MOST_TASKS))
			continue;
		check(point_arm(POINT, pids, ""), "tasks");
		report_number("tasks", i + 1, loop_measure(LOOP_FTRACE, false));
	}
	check(disarm(POINT), "disarming");
	while (i--)
		process_end(children[i]);
}

/* Names of functions. */
struct names {
	char name[MOST_NAMES][LONGEST + 1];
	int n;
};

/* A loop is below none of these functions, and every guest has enough of them. */
static bool name_is_elsewhere(const char *name)
{
	static const char * const prefixes[] = { "tty_", "pci_", "dev_", "str" };
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static bool names_take(const struct symbol *symbol, void *data)
{
	struct names *names = data;

	if (!*symbol->module && name_is_elsewhere(symbol->name) &&
	    strlen(symbol->name) <= LONGEST && !strchr(symbol->name, '.'))
		snprintf(names->name[names->n++], LONGEST + 1, "%s", symbol->name);
	return names->n < MOST_NAMES;
}

/* @subject: "callers" or "scopes". @prefix: of a name in the knob. */
static void measure_names(const char *subject, const struct names *names, const char *prefix)
{
	char callers[512] = "";
	int i;

	for (i = 0; i < names->n; i++) {
		snprintf(callers + strlen(callers), sizeof(callers) - strlen(callers), "%s%s ",
			 prefix, names->name[i]);
		if (!measured_number(i + 1, names->n))
			continue;
		check(point_arm(POINT, "self", callers), callers);
		report_number(subject, i + 1, loop_measure(LOOP_FTRACE, false));
	}
	check(disarm(POINT), "disarming");
}

void measure_growth(void)
{
	struct names names = {};

	measure_points();
	measure_tasks();
	if (check(symbols_each(names_take, &names), "kallsyms") ||
	    check(names.n < MOST_NAMES ? -ENOENT : 0, "functions to name"))
		return;
	measure_names("callers", &names, "");
	measure_names("scopes", &names, "stack:");
}

void measure_cpus(void)
{
	int number = sysconf(_SC_NPROCESSORS_ONLN);

	check(point_arm(POINT, "self", ""), POINT);
	report_number("cpus", number, loop_measure(LOOP_FTRACE, true));
	check(disarm(POINT), "disarming");
	report_number("cpus-arming", number, arming_mean().arm);
}
