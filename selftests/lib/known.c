// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fnmatch.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kselftest.h"
#include "known.h"

static const struct {
	const char *name;
	int err;
} errnos[] = {
	{ "0", 0 },
	{ "EAGAIN", -EAGAIN },
	{ "EBUSY", -EBUSY },
	{ "EEXIST", -EEXIST },
	{ "EINPROGRESS", -EINPROGRESS },
	{ "EINVAL", -EINVAL },
	{ "ENODEV", -ENODEV },
	{ "ENOMEM", -ENOMEM },
	{ "EPROTO", -EPROTO },
	{ "ETIMEDOUT", -ETIMEDOUT },
};

/*
 * Debian's release can be short of the upstream version (6.1.0-56-cloud-amd64
 * is 6.1.192); its version string is not. A kernel without that string is
 * somebody's own, which may carry a fix that its version number does not tell.
 */
void known_kernel(char *version, int size, bool *stock)
{
	struct utsname u;
	const char *from;

	uname(&u);
	from = strstr(u.version, "Debian ");
	*stock = from;
	from = from ? from + strlen("Debian ") : u.release;
	snprintf(version, size, "%.*s", (int)strspn(from, "0123456789."), from);
}

static bool series_from(const char *token, const char *version)
{
	int first_major, first_minor, major, minor;

	if (sscanf(token, "%d.%d+", &first_major, &first_minor) != 2 ||
	    sscanf(version, "%d.%d", &major, &minor) != 2)
		return false;
	return major > first_major ||
	       (major == first_major && minor >= first_minor);
}

bool known_applies(const char *kernels, const char *version, bool stock,
		   bool *must)
{
	char tokens[256];
	bool applies = false;
	char *token, *save;

	*must = false;
	snprintf(tokens, sizeof(tokens), "%s", kernels);
	for (token = strtok_r(tokens, " ", &save); token;
	     token = strtok_r(NULL, " ", &save)) {
		if (token[strlen(token) - 1] == '+') {
			applies |= series_from(token, version);
		} else if (!fnmatch(token, version, 0)) {
			applies = true;
			*must |= stock && !strchr(token, '*');
		}
	}
	return applies;
}

static int parse_errno(struct known *k, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
		if (!strcmp(errnos[i].name, name)) {
			k->err = errnos[i].err;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_observation(struct known *k)
{
	const char *o = k->observation;
	char word[32];
	int end = 0;

	if (sscanf(o, "kmsg %191[^\n]", k->name) == 1) {
		k->kind = KNOWN_KMSG;
		return 0;
	}
	if (sscanf(o, "oops %191[^\n]", k->name) == 1) {
		k->kind = KNOWN_OOPS;
		return strchr(k->name, ' ') ? 0 : -EINVAL;
	}
	if (sscanf(o, "errno %63s %31s", k->name, word) == 2) {
		k->kind = KNOWN_ERRNO;
		return parse_errno(k, word);
	}
	k->kind = KNOWN_COUNTER;
	if (sscanf(o, "%63s %ld %n", k->name, &k->difference, &end) != 2 ||
	    !k->difference)
		return -EINVAL;
	o += end;
	if (!strncmp(o, "kB ", 3))
		o += 3;
	k->per_failure = !strcmp(o, "per failure");
	return k->per_failure || !strcmp(o, "once") ? 0 : -EINVAL;
}

/* Cuts the next column off; columns are separated by " | ". */
static char *column(char **rest)
{
	char *start = *rest, *bar;

	if (!start)
		return NULL;
	bar = strstr(start, " | ");
	*rest = bar ? bar + 3 : NULL;
	if (bar) {
		while (bar > start && bar[-1] == ' ')
			bar--;
		*bar = '\0';
	}
	return start + strspn(start, " ");
}

static int parse_row(struct known_list *l, const char *test, char *line)
{
	struct known *k = &l->row[l->nr];
	char *rest = line, *name, *kernels, *observation, *reason;
	char version[64];
	bool stock;

	name = column(&rest);
	kernels = column(&rest);
	observation = column(&rest);
	reason = rest;
	if (!reason || !*reason)
		return -EINVAL;
	memset(k, 0, sizeof(*k));
	snprintf(k->observation, sizeof(k->observation), "%s", observation);
	snprintf(k->reason, sizeof(k->reason), "%s", reason);
	if (parse_observation(k))
		return -EINVAL;
	known_kernel(version, sizeof(version), &stock);
	if (fnmatch(name, test, 0) ||
	    !known_applies(kernels, version, stock, &k->must_show))
		return 0;
	if (++l->nr == ARRAY_SIZE(l->row))
		return -ENOSPC;
	return 0;
}

static FILE *known_open(char *path, size_t size)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		return NULL;
	exe[n] = '\0';
	snprintf(path, size, "%s/known-issues", dirname(exe));
	return fopen(path, "re");
}

int known_load(struct known_list *l, const char *test)
{
	char path[PATH_MAX + 16], line[2048];
	int err = 0, nr = 0;
	FILE *f = known_open(path, sizeof(path));

	l->nr = 0;
	if (!f) {
		err = -errno;
		fprintf(stderr, "# %s: %s; install it beside the programs\n",
			path, strerror(errno));
		return err;
	}
	while (!err && fgets(line, sizeof(line), f)) {
		nr++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && line[0] != '#')
			err = parse_row(l, test, line);
	}
	fclose(f);
	if (err)
		fprintf(stderr, "# %s:%d: not TEST | KERNELS | OBSERVATION | REASON\n",
			path, nr);
	return err;
}

static bool says(const struct known *k, const char *name, bool lasting)
{
	return k->kind == KNOWN_COUNTER && !strcmp(k->name, name) &&
	       (k->per_failure || !lasting);
}

long known_difference(const struct known_list *l, const char *name,
		      long failures, bool lasting)
{
	long sum = 0;

	for (int i = 0; i < l->nr; i++) {
		const struct known *k = &l->row[i];

		if (says(k, name, lasting))
			sum += k->difference * (k->per_failure ? failures : 1);
	}
	return sum;
}

void known_showed(struct known_list *l, const char *name, bool lasting,
		  bool right)
{
	for (int i = 0; i < l->nr; i++) {
		struct known *k = &l->row[i];

		if (!says(k, name, lasting))
			continue;
		k->refuted |= !right;
		k->shown = !k->refuted;
	}
}

int known_report(const struct known_list *l)
{
	int missing = 0;

	for (int i = 0; i < l->nr; i++) {
		const struct known *k = &l->row[i];

		if (k->shown) {
			printf("# KNOWN: %s: %s\n", k->observation, k->reason);
		} else if (k->must_show) {
			printf("# MISSING, though this kernel has it: %s: %s\n",
			       k->observation, k->reason);
			missing++;
		} else {
			printf("# FIXED in this kernel: %s: %s\n",
			       k->observation, k->reason);
		}
	}
	return missing;
}
