// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "knobs.h"

/* Wait half a second for a killed test to end; how long that takes was not measured. */
#define GUARD_TRIES	50
#define GUARD_PAUSE_US	10000

int guard_open(void)
{
	int fd;

	/* After a time-out the harness waits for the parent of the test, not for the test. */
	for (int i = 0; i < GUARD_TRIES; i++) {
		fd = open(ERRPATH "/guard", O_RDWR | O_CLOEXEC);
		if (fd >= 0 || errno != EBUSY)
			break;
		usleep(GUARD_PAUSE_US);
	}
	return fd < 0 ? -errno : fd;
}

static void knob_path(char *path, size_t size, const char *point,
		      const char *knob)
{
	snprintf(path, size, ERRPATH "/%s/%s", point, knob);
}

int knob_set(const char *point, const char *knob, const char *fmt, ...)
{
	char path[256], text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	/* The kernel refuses an empty write. An empty line empties a list. */
	if (!*text)
		snprintf(text, sizeof(text), "\n");
	knob_path(path, sizeof(path), point, knob);
	return file_write(path, text);
}

int knob_get(const char *point, const char *knob, char *buf, size_t size)
{
	char path[256];
	long len;

	knob_path(path, sizeof(path), point, knob);
	len = file_read(path, buf, size);
	if (len < 0)
		return len;
	if (len && buf[len - 1] == '\n')
		buf[len - 1] = '\0';
	return 0;
}

bool point_has_knob(const char *point, const char *knob)
{
	char path[256];

	knob_path(path, sizeof(path), point, knob);
	return !access(path, F_OK);
}

int stats_read(const char *point, struct stats *s)
{
	char text[2048];
	int err = knob_get(point, "stats", text, sizeof(text));

	if (err)
		return err;
	if (sscanf(text, "seen %ld missed %ld walked %ld matched %ld injected %ld",
		   &s->seen, &s->missed, &s->walked, &s->matched, &s->injected) != 5)
		return -EPROTO;
	return 0;
}

long stats_site(const char *point, const char *site)
{
	char text[2048], name[128], *line, *save;
	long injected;

	if (knob_get(point, "stats", text, sizeof(text)))
		return -1;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "site %127s %ld", name, &injected) == 2 &&
		    !strcmp(name, site))
			return injected;
	}
	return 0;
}

int point_add(const char *name, const char *functions, const char *returns)
{
	char line[2048];

	snprintf(line, sizeof(line), "%s %s %s", name, functions, returns);
	return file_write(ERRPATH "/functions", line);
}

int point_remove(const char *name)
{
	char line[128];

	snprintf(line, sizeof(line), "-%s", name);
	return file_write(ERRPATH "/functions", line);
}

static int knob_select_self(const char *point)
{
	int err = knob_set(point, "task-filter", "Y");

	return err ?: knob_set(point, "tasks", "self");
}

int arm_nth(const char *point, long nth)
{
	return knob_select_self(point) ?: knob_set(point, "nth", "%ld", nth);
}

int arm_times(const char *point, long times)
{
	int err = knob_select_self(point);

	if (err)
		return err;
	err = knob_set(point, "times", "%ld", times);
	return err ?: knob_set(point, "probability", "100");
}

int arm_nth_anybody(const char *point, long nth)
{
	int err = knob_set(point, "task-filter", "N");

	return err ?: knob_set(point, "nth", "%ld", nth);
}

int disarm(const char *point)
{
	int err = knob_set(point, "probability", "0");

	return err ?: knob_set(point, "nth", "0");
}

const char *point_state(const char *point)
{
	static char state[32];
	char status[16384], name[64], *line, *save;

	if (file_read(ERRPATH "/status", status, sizeof(status)) < 0)
		return NULL;
	for (line = strtok_r(status, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%63s %31s", name, state) == 2 &&
		    !strcmp(name, point))
			return state;
	}
	return "unknown";
}

const char *point_unavailable(const char *point)
{
	const char *state = point_state(point);
	static char why[256];

	if (!state)
		return "no " ERRPATH "/status: load errpath.ko";
	if (strcmp(state, "absent") && strcmp(state, "unknown"))
		return NULL;
	snprintf(why, sizeof(why),
		 "point %s is %s: this kernel lacks its symbol", point, state);
	return why;
}
