// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "kmsg.h"
#include "splat.h"

/* The line of a report that names what happened; one per report. */
static const char splats[] =
	"WARNING: |BUG: |BUG at |Oops|general protection fault|"
	"refcount_t: |KASAN|KCSAN|UBSAN|kmemleak: [0-9]+ new|"
	"possible (circular|recursive|irq) locking|INFO: (task|rcu_|possible)|"
	"page allocation failure|Bad page state|list_(add|del) corruption";

static int log_write(const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	/* Opened for each line: the kernel limits the rate of a file. */
	return file_write("/dev/kmsg", line);
}

int splat_open(struct splat *s)
{
	int err = file_write("/sys/kernel/debug/clear_warn_once", "1");

	s->nr = 0;
	s->fd = kmsg_open();
	return err ?: s->fd < 0 ? s->fd : 0;
}

int splat_expect(struct splat *s, const char *id, const char *regexp,
		 bool must)
{
	struct splat_expected *e = &s->expected[s->nr];

	if (s->nr == sizeof(s->expected) / sizeof(s->expected[0]))
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

static bool announced(struct splat *s, const char *text)
{
	bool found = false;

	for (int i = 0; i < s->nr; i++) {
		if (!regexec(&s->expected[i].regexp, text, 0, NULL, 0)) {
			s->expected[i].seen++;
			found = true;
		}
	}
	return found;
}

static bool judge(struct splat *s, const regex_t *splat, const char *text)
{
	if (!strncmp(text, "errpath: ", 9))
		return true;
	if (announced(s, text) || regexec(splat, text, 0, NULL, 0))
		return true;
	printf("# unannounced in the kernel log: %s\n", text);
	return false;
}

static void end(struct splat_expected *e)
{
	regfree(&e->regexp);
	if (!e->seen && !e->must)
		log_write("errpath: absent: %s\n", e->id);
	log_write("errpath: expect end %s\n", e->id);
}

int splat_close(struct splat *s)
{
	int unannounced = 0;
	char text[1024];
	regex_t splat;

	if (regcomp(&splat, splats, REG_EXTENDED | REG_NOSUB))
		return -EINVAL;
	while (kmsg_next(s->fd, text, sizeof(text)))
		unannounced += !judge(s, &splat, text);
	regfree(&splat);
	close(s->fd);
	for (int i = 0; i < s->nr; i++)
		end(&s->expected[i]);
	return unannounced;
}
