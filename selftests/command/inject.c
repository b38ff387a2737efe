// SPDX-License-Identifier: GPL-2.0
/*
 * The guard, the point and its knobs. Whoever holds the guard owns all points; when the guard is
 * closed, also because this process was killed, the kernel disarms them and removes those that
 * were added.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "lib/file.h"
#include "lib/kmsg.h"
#include "lib/knobs.h"

#define KERNEL_LINE "errpath: "

static bool process_holds_guard(const char *pid)
{
	char path[300], target[256];
	struct dirent *entry;
	bool holds = false;
	ssize_t n;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	fds = opendir(path);
	while (fds && !holds && (entry = readdir(fds))) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		holds = !strcmp(target, ERRPATH "/guard");
	}
	if (fds)
		closedir(fds);
	return holds;
}

/* A shell that holds the guard lets its commands inherit it, and errpath can be one of them. */
static bool is_another_process(const char *name)
{
	return isdigit(*name) && atoi(name) != getpid();
}

static int complain_held(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char holder[16] = "";

	while (proc && !*holder && (entry = readdir(proc))) {
		if (is_another_process(entry->d_name) && process_holds_guard(entry->d_name))
			snprintf(holder, sizeof(holder), "%.15s", entry->d_name);
	}
	if (proc)
		closedir(proc);
	return complain("process %s holds " ERRPATH "/guard: wait for it, or end it",
			*holder ? holder : "of another namespace");
}

static int guard_take(void)
{
	int fd = guard_open();

	switch (fd) {
	case -EBUSY:
		return -complain_held();
	case -ENOENT:
		return -complain("no " ERRPATH "/guard: load errpath.ko and mount debugfs");
	case -EACCES:
	case -EPERM:
		return -complain(ERRPATH "/guard: %s: run errpath as root", strerror(-fd));
	default:
		return fd < 0 ? -complain(ERRPATH "/guard: %s", strerror(-fd)) : fd;
	}
}

int injection_begin(struct injection *i)
{
	i->log = kmsg_open();
	i->guard = guard_take();
	return i->guard < 0 ? -i->guard : 0;
}

void injection_end(struct injection *i)
{
	close(i->guard);
	if (i->log >= 0)
		close(i->log);
}

/* Prints what the kernel wrote about a refusal; without a line of it, the error. */
static int complain_kernel(const struct injection *i, const char *what, int err)
{
	char line[1024], last[1024] = "";

	while (i->log >= 0 && kmsg_next(i->log, line, sizeof(line))) {
		if (!strncmp(line, KERNEL_LINE, strlen(KERNEL_LINE)))
			snprintf(last, sizeof(last), "%s", line + strlen(KERNEL_LINE));
	}
	return complain("%s: %s", what, *last ? last : strerror(-err));
}

static bool point_exists(const char *name)
{
	char path[256];

	if (strlen(name) > 63)
		return false;
	snprintf(path, sizeof(path), ERRPATH "/%.63s/probability", name);
	return !strchr(name, '/') && !access(path, F_OK);
}

/* A file of debugfs has this name, so it has no colon of MODULE:NAME. */
static void point_name(char name[32], const char *functions)
{
	size_t n = strcspn(functions, ",");

	snprintf(name, 32, "%.*s", (int)(n < 31 ? n : 31), functions);
	for (; *name; name++) {
		if (*name == ':')
			*name = '.';
	}
}

/* The value must fit each of several functions. */
static int choose_value(const char *functions, const char *wanted, char *value, size_t size)
{
	char list[1024], *rest = list, *function, first[64] = "";
	int err = 0;

	snprintf(list, sizeof(list), "%s", functions);
	while (!err && (function = strsep(&rest, ","))) {
		err = returns_choose(function, wanted, value, size);
		if (!err && *first && strcmp(first, value))
			err = complain("%s returns %s, another function %s: name them in two runs",
				       function, value, first);
		snprintf(first, sizeof(first), "%s", value);
	}
	return err;
}

static int injection_add(struct injection *i, char *functions, const char *wanted)
{
	char name[32], value[64];
	int err = choose_value(functions, wanted, value, sizeof(value));

	if (err)
		return err;
	point_name(name, functions);
	err = point_add(name, functions, value);
	if (err)
		return complain_kernel(i, functions, err);
	snprintf(i->point, sizeof(i->point), "%s", name);
	snprintf(i->name, sizeof(i->name), "%.160s()", functions);
	snprintf(i->what, sizeof(i->what), "%.170s returns %s", i->name, value);
	return 0;
}

int injection_find(struct injection *i, const char *target)
{
	char text[1024], *equals;

	snprintf(text, sizeof(text), "%s", target);
	equals = strchr(text, '=');
	if (equals)
		*equals = '\0';
	if (!point_exists(text))
		return injection_add(i, text, equals ? equals + 1 : NULL);
	if (equals)
		return complain("%s is a point, which has its own value: leave out =%s", text,
				equals + 1);
	snprintf(i->point, sizeof(i->point), "%.63s", text);
	snprintf(i->name, sizeof(i->name), "%s", i->point);
	snprintf(i->what, sizeof(i->what), "%s", i->point);
	return 0;
}

static bool knob_arms(const char *knob)
{
	return !strcmp(knob, "probability") || !strcmp(knob, "nth");
}

int injection_set_knob(const struct injection *i, const char *knob, const char *value)
{
	char what[300];
	int err = knob_set(i->point, knob, "%s", value);

	if (!err)
		return 0;
	if (err == -ENOENT)
		return complain("%s has no knob %s: errpath points %s lists them", i->point, knob,
				i->point);
	snprintf(what, sizeof(what), "%s=%.200s", knob, value);
	return complain_kernel(i, what, err);
}

/* Sets the knobs of the user that arm the point, or the others. */
static int set_knobs(const struct injection *i, const struct arguments *a, bool arming)
{
	int err = 0;

	for (int n = 0; n < a->nr_knobs && !err; n++) {
		char *copy = strdup(a->knobs[n]), *value = copy, *knob = strsep(&value, "=");

		if (!strcmp(knob, "tasks"))
			err = complain("leave out %s: errpath %s selects the tasks of the command",
				       a->knobs[n], a->subcommand);
		else if (knob_arms(knob) == arming)
			err = injection_set_knob(i, knob, value);
		free(copy);
	}
	return err;
}

static bool user_arms(const struct arguments *a)
{
	for (int n = 0; n < a->nr_knobs; n++) {
		if (!strncmp(a->knobs[n], "nth=", 4) || !strncmp(a->knobs[n], "probability=", 12))
			return true;
	}
	return false;
}

int injection_set(const struct injection *i, const struct arguments *a)
{
	return set_knobs(i, a, false);
}

int injection_arm(const struct injection *i, const struct arguments *a, pid_t pid)
{
	char text[16];
	int err;

	snprintf(text, sizeof(text), "%d", pid);
	err = injection_set_knob(i, "tasks", text);
	if (err)
		return err;
	return user_arms(a) ? set_knobs(i, a, true) : injection_set_knob(i, "probability", "100");
}

void injection_disarm(const struct injection *i)
{
	disarm(i->point);
}
