// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <libgen.h>
#include <limits.h>
#include <stddef.h>
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
} known_errnos[] = {
	{ .name = "0", .err = 0 },
	{ .name = "EAGAIN", .err = -EAGAIN },
	{ .name = "EBUSY", .err = -EBUSY },
	{ .name = "EEXIST", .err = -EEXIST },
	{ .name = "EINPROGRESS", .err = -EINPROGRESS },
	{ .name = "EINVAL", .err = -EINVAL },
	{ .name = "ENODEV", .err = -ENODEV },
	{ .name = "ENOMEM", .err = -ENOMEM },
	{ .name = "ENXIO", .err = -ENXIO },
	{ .name = "EPROTO", .err = -EPROTO },
	{ .name = "ETIMEDOUT", .err = -ETIMEDOUT },
};

/*
 * Debian's release can be short of the upstream version (6.1.0-56-cloud-amd64 is 6.1.192);
 * its version string is not. A kernel without that string is the user's own: it may have a fix
 * that its version number does not show.
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

/* Returns the next word after *@at, or NULL. Words are separated by blanks. */
static const char *known_next_word(const char **at, char *word, size_t size)
{
	size_t length;

	*at += strspn(*at, " ");
	length = strcspn(*at, " ");
	if (!length)
		return NULL;
	snprintf(word, size, "%.*s", (int)length, *at);
	*at += length;
	return word;
}

static bool known_has_word(const char *words, const char *wanted)
{
	char word[64];

	while (known_next_word(&words, word, sizeof(word))) {
		if (!strcmp(word, wanted))
			return true;
	}
	return false;
}

static bool known_series_from(const char *range, const char *version)
{
	int first_major, first_minor, major, minor;

	if (sscanf(range, "%d.%d+", &first_major, &first_minor) != 2 ||
	    sscanf(version, "%d.%d", &major, &minor) != 2)
		return false;
	return major > first_major ||
	       (major == first_major && minor >= first_minor);
}

/*
 * Returns whether @version is in a range of @words, such as "6.12+" or "6.12.*"; @none if
 * @words has no range.
 */
static bool known_in_ranges(const char *words, const char *version, bool none)
{
	bool found = false;
	char word[64];

	while (known_next_word(&words, word, sizeof(word))) {
		if (!isdigit(word[0]))
			continue;
		none = false;
		if (strchr(word, '+'))
			found |= known_series_from(word, version);
		else
			found |= !fnmatch(word, version, 0);
	}
	return found || none;
}

/* The architectures that a word can name, as uname -m does. */
static bool known_is_machine(const char *word)
{
	return !strcmp(word, "x86_64") || !strcmp(word, "aarch64");
}

/* Returns whether @words names @machine, or no machine. */
static bool known_on_machine(const char *words, const char *machine)
{
	bool none = true;
	char word[64];

	while (known_next_word(&words, word, sizeof(word))) {
		if (!known_is_machine(word))
			continue;
		none = false;
		if (machine && !strcmp(word, machine))
			return true;
	}
	return none;
}

bool known_applies(const struct known_scope *scope, const char *version, bool stock,
		   bool *must)
{
	bool applies = known_in_ranges(scope->versions, version, false) &&
		       known_in_ranges(scope->only, version, true) &&
		       known_on_machine(scope->versions, scope->machine) &&
		       known_on_machine(scope->only, scope->machine);
	bool seen = applies && known_has_word(scope->stock, version) &&
		    (!scope->swept || known_in_ranges(scope->swept, version, false));

	*must = seen && stock && !known_has_word(scope->only, "may");
	return known_has_word(scope->only, "must") ? seen : applies;
}

static int known_parse_errno(struct known *k, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_errnos); i++) {
		if (!strcmp(known_errnos[i].name, name)) {
			k->err = known_errnos[i].err;
			return 0;
		}
	}
	return -EINVAL;
}

static int known_parse_observation(struct known *k)
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
		return known_parse_errno(k, word);
	}
	k->kind = KNOWN_COUNTER;
	if (sscanf(o, "%63s %ld %n", k->name, &k->difference, &end) != 2 ||
	    !k->difference)
		return -EINVAL;
	o += end;
	if (!strncmp(o, "kB ", 3))
		o += 3;
	k->per_failure = !strcmp(o, "per failure");
	k->afterwards = !strcmp(o, "afterwards");
	return k->per_failure || k->afterwards || !strcmp(o, "once") ? 0 : -EINVAL;
}

/* Reads one file, line by line. A key of a block is empty until its line was read. */
struct known_reader {
	struct known_list *list;
	const char *test;
	char version[64];
	bool debian;
	struct utsname kernel;
	char stock[KNOWN_SIZE];
	char swept[KNOWN_SIZE];
	char bug[KNOWN_SIZE];
	char versions[KNOWN_SIZE];
	char reason[KNOWN_SIZE];
	char upstream[KNOWN_SIZE];
	char wrong[512];	/* why the line cannot be understood */
};

static int known_wrong(struct known_reader *r, const char *what, const char *text)
{
	snprintf(r->wrong, sizeof(r->wrong), "%s%.400s", what, text);
	return -EINVAL;
}

/* Kinds of words: "6.12+" or "6.12.*", "6.12.117", "may" or "must", "x86_64". */
enum { RANGES = 1, VERSIONS = 2, FLAGS = 4, MACHINES = 8 };

static bool known_is_word(const char *word, int kinds)
{
	unsigned int a, b, c;
	int end = 0;

	if (kinds & FLAGS && (!strcmp(word, "may") || !strcmp(word, "must")))
		return true;
	if (kinds & MACHINES && known_is_machine(word))
		return true;
	if (kinds & VERSIONS && sscanf(word, "%u.%u.%u%n", &a, &b, &c, &end) == 3)
		return !word[end];
	if (kinds & RANGES && sscanf(word, "%u.%u%n", &a, &b, &end) == 2)
		return !strcmp(word + end, "+") || !strcmp(word + end, ".*");
	return false;
}

static int known_check_words(struct known_reader *r, const char *words, int kinds)
{
	char word[64];

	while (known_next_word(&words, word, sizeof(word))) {
		if (!known_is_word(word, kinds))
			return known_wrong(r, "a word that does not belong here: ", word);
	}
	return 0;
}

static const struct known_key {
	const char *name;
	bool of_bug;		/* each block has it; false: the file has it once */
	int kinds;		/* that its words may have; 0: any text */
	size_t offset;
} known_keys[] = {
	{ .name = "stock",	.kinds = VERSIONS, .offset = offsetof(struct known_reader, stock) },
	{ .name = "swept",	.kinds = RANGES, .offset = offsetof(struct known_reader, swept) },
	{ .name = "bug",	.of_bug = true, .offset = offsetof(struct known_reader, bug) },
	{ .name = "versions",	.of_bug = true, .kinds = RANGES | MACHINES,
	  .offset = offsetof(struct known_reader, versions) },
	{ .name = "reason",	.of_bug = true, .offset = offsetof(struct known_reader, reason) },
	{ .name = "upstream",	.of_bug = true, .offset = offsetof(struct known_reader, upstream) },
};

static char *known_field(struct known_reader *r, const struct known_key *key)
{
	return (char *)r + key->offset;
}

static int known_begin_bug(struct known_reader *r, const char *id)
{
	if (id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return known_wrong(r, "not an id: ", id);
	for (size_t i = 0; i < ARRAY_SIZE(known_keys); i++) {
		if (known_keys[i].of_bug)
			*known_field(r, &known_keys[i]) = '\0';
	}
	return 0;
}

/* Returns the value behind "KEY: ", and ends the key at its colon; or returns NULL. */
static char *known_split_key(char *line)
{
	char *end = line + strspn(line, "abcdefghijklmnopqrstuvwxyz");

	if (end == line || strncmp(end, ": ", 2))
		return NULL;
	*end = '\0';
	return end + 2 + strspn(end + 2, " ");
}

static int known_read_key(struct known_reader *r, const char *name, const char *value)
{
	const struct known_key *key = known_keys, *end = known_keys + ARRAY_SIZE(known_keys);
	int err = 0;

	while (key < end && strcmp(key->name, name))
		key++;
	if (key == end)
		return known_wrong(r, "unknown key: ", name);
	if (!strcmp(name, "bug"))
		err = known_begin_bug(r, value);
	else if (*known_field(r, key))
		return known_wrong(r, "a second key: ", name);
	if (!err && key->kinds)
		err = known_check_words(r, value, key->kinds);
	if (!err && snprintf(known_field(r, key), KNOWN_SIZE, "%s", value) >= KNOWN_SIZE)
		err = known_wrong(r, "too long: ", value);
	return err;
}

/* Cuts off the next column, and returns it or NULL. Columns are separated by " | ". */
static char *known_next_column(char **rest)
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

static int known_check_block(struct known_reader *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_keys); i++) {
		if (known_keys[i].of_bug && !*known_field(r, &known_keys[i]))
			return known_wrong(r, "a row needs a key above it: ",
					   known_keys[i].name);
	}
	return 0;
}

/* Adds the row if it applies to the test and the kernel. */
static int known_take_row(struct known_reader *r, const char *name, const char *only)
{
	const bool sweep = !strncmp(name, "sweep.", strlen("sweep."));
	const struct known_scope scope = {
		.stock = r->stock,
		.swept = sweep ? r->swept : NULL,
		.versions = r->versions,
		.only = only,
		.machine = r->kernel.machine,
	};
	struct known *k = &r->list->row[r->list->nr];

	if (fnmatch(name, r->test, 0) ||
	    !known_applies(&scope, r->version, r->debian, &k->must_show))
		return 0;
	if (++r->list->nr == ARRAY_SIZE(r->list->row))
		return known_wrong(r, "too many rows for struct known_list: ", r->test);
	return 0;
}

static int known_read_row(struct known_reader *r, char *line)
{
	struct known *k = &r->list->row[r->list->nr];
	char *rest = line;
	const char *name = known_next_column(&rest);
	const char *observation = known_next_column(&rest);
	const char *only = known_next_column(&rest);
	int err;

	if (!*name || !observation || !*observation || (only && !*only) || rest)
		return known_wrong(r, "neither KEY: VALUE nor TEST | OBSERVATION [| ONLY]", "");
	err = known_check_block(r);
	if (err)
		return err;
	memset(k, 0, sizeof(*k));
	memcpy(k->bug, r->bug, sizeof(k->bug));
	memcpy(k->reason, r->reason, sizeof(k->reason));
	snprintf(k->observation, sizeof(k->observation), "%s", observation);
	if (known_parse_observation(k))
		return known_wrong(r, "not an observation: ", observation);
	only = only ?: "";
	err = known_check_words(r, only, RANGES | FLAGS | MACHINES);
	return err ?: known_take_row(r, name, only);
}

static int known_read_line(struct known_reader *r, char *line)
{
	size_t length = strcspn(line, "\n");
	char *value;

	while (length && isspace(line[length - 1]))
		length--;
	line[length] = '\0';
	if (!line[0] || line[0] == '#')
		return 0;
	value = known_split_key(line);
	return value ? known_read_key(r, line, value) : known_read_row(r, line);
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

static bool known_none;

void known_use_none(void)
{
	known_none = true;
}

int known_load(struct known_list *l, const char *test)
{
	struct known_reader r = { .list = l, .test = test };
	char path[PATH_MAX + 16], line[2048];
	int err = 0, nr = 0;
	FILE *f;

	l->nr = 0;
	if (known_none)
		return 0;
	f = known_open(path, sizeof(path));
	if (!f) {
		err = -errno;
		fprintf(stderr, "# %s: %s; install it beside the programs\n",
			path, strerror(errno));
		return err;
	}
	known_kernel(r.version, sizeof(r.version), &r.debian);
	uname(&r.kernel);
	while (!err && fgets(line, sizeof(line), f)) {
		nr++;
		err = known_read_line(&r, line);
	}
	fclose(f);
	if (err)
		fprintf(stderr, "# %s:%d: %s\n", path, nr, r.wrong);
	return err;
}

static bool known_is_about(const struct known *k, const char *name, bool lasting)
{
	return k->kind == KNOWN_COUNTER && !strcmp(k->name, name) &&
	       (k->per_failure || k->afterwards == lasting);
}

long known_difference(const struct known_list *l, const char *name,
		      long failures, bool lasting)
{
	long sum = 0;

	for (int i = 0; i < l->nr; i++) {
		const struct known *k = &l->row[i];

		if (known_is_about(k, name, lasting))
			sum += k->difference * (k->per_failure ? failures : 1);
	}
	return sum;
}

void known_showed(struct known_list *l, const char *name, bool lasting,
		  bool right)
{
	for (int i = 0; i < l->nr; i++) {
		struct known *k = &l->row[i];

		if (!known_is_about(k, name, lasting))
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
		const char *what = "FIXED in this kernel";

		if (k->shown) {
			what = "KNOWN";
		} else if (k->must_show) {
			what = "MISSING, though this kernel has it";
			missing++;
		}
		printf("# %s: [%s] %s: %s\n", what, k->bug, k->observation, k->reason);
	}
	return missing;
}
