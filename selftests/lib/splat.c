// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"
#include "file.h"
#include "kmsg.h"
#include "splat.h"

/* Each is in one line of a report: the line that names the problem. */
static const char * const splats[] = {
	"WARNING: ",
	"BUG: ",
	"BUG at ",
	"Oops: ",
	"general protection fault",
	"refcount_t: ",
	"UBSAN: ",
	"KCSAN: ",
	"kmemleak: ",
	"possible circular locking",
	"possible recursive locking",
	"INFO: task ",
	"rcu: INFO: ",
	"page allocation failure",
	"vmemmap alloc failure",
	"Bad page state",
	" corruption",
};

static int log_write(const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	/* The kernel limits the rate of an open file, so each line opens it again. */
	return file_write("/dev/kmsg", line);
}

int splat_open(struct splat *s)
{
	int err = file_write("/sys/kernel/debug/clear_warn_once", "1");

	s->nr = 0;
	s->nr_unannounced = 0;
	s->fd = kmsg_open();
	if (err)
		return err;
	return s->fd < 0 ? s->fd : 0;
}

int splat_expect(struct splat *s, const char *id, const char *regexp,
		 bool must)
{
	struct splat_expected *e = &s->expected[s->nr];

	if (s->nr == ARRAY_SIZE(s->expected))
		return -ENOSPC;
	if (regcomp(&e->regexp, regexp, REG_EXTENDED | REG_NOSUB))
		return -EINVAL;
	snprintf(e->id, sizeof(e->id), "%s", id);
	e->must = must;
	e->seen = 0;
	s->nr++;
	if (must)
		return log_write("errpath: expect begin %s: %s\n", id, regexp);
	return log_write("errpath: expect begin %s: %s|errpath: absent: %s$\n",
			 id, regexp, id);
}

/* <1> makes the kernel print it on the console, too, which is complete even after an oops. */
int splat_expect_oops(const char *test, const char *oops)
{
	if (!oops)
		return log_write("<1>errpath: expect no oops\n");
	return log_write("<1>errpath: expect oops %s: %s\n", test, oops);
}

static bool splat_is_announced(struct splat *s, const char *text)
{
	bool found = false;

	/* The announcement itself matches its regexp, too. */
	if (!strncmp(text, "errpath: ", 9))
		return false;
	for (int i = 0; i < s->nr; i++) {
		if (!regexec(&s->expected[i].regexp, text, 0, NULL, 0)) {
			s->expected[i].seen++;
			found = true;
		}
	}
	return found;
}

static bool splat_is_in(const char *text)
{
	if (!strncmp(text, "errpath: ", 9))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(splats); i++) {
		if (strstr(text, splats[i]))
			return true;
	}
	return false;
}

static void splat_announce_end(struct splat_expected *e)
{
	regfree(&e->regexp);
	if (!e->seen && !e->must)
		log_write("errpath: absent: %s\n", e->id);
	log_write("errpath: expect end %s\n", e->id);
}

static void splat_keep(struct splat *s, const char *text)
{
	const int size = sizeof(s->unannounced[0]);

	if (s->nr_unannounced < (int)ARRAY_SIZE(s->unannounced))
		snprintf(s->unannounced[s->nr_unannounced++], size, "%.*s", size - 1, text);
}

int splat_close(struct splat *s)
{
	int unannounced = 0;
	char text[1024];

	while (kmsg_next(s->fd, text, sizeof(text))) {
		if (splat_is_announced(s, text) || !splat_is_in(text))
			continue;
		printf("# unannounced in the kernel log: %s\n", text);
		splat_keep(s, text);
		unannounced++;
	}
	close(s->fd);
	for (int i = 0; i < s->nr; i++)
		splat_announce_end(&s->expected[i]);
	return unannounced;
}
