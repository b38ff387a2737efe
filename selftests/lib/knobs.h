/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_KNOBS_H
#define LIB_KNOBS_H

#include <stdbool.h>
#include <stddef.h>

#define ERRPATH "/sys/kernel/debug/errpath"

struct stats {
	long seen;
	long missed;
	long matched;
	long injected;
};

/*
 * The exclusive hold: its close disarms all points and resets all knobs. Returns it, or
 * -EBUSY when another holds it and does not leave within half a second, or -errno.
 */
int guard_open(void);

/* All return 0 or -errno. */
int knob_set(const char *point, const char *knob, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int knob_get(const char *point, const char *knob, char *buf, size_t size);
int stats_read(const char *point, struct stats *s);
/* How many calls from the function @site were failed; -1: no such point. */
long stats_site(const char *point, const char *site);

/* Only this task and its children, and of their calls the nth. */
int arm_nth(const char *point, long nth);
/* Only this task and its children; the first @times calls, -1 is all. */
int arm_times(const char *point, long times);
/* Whoever calls, the kernel's own tasks too: the nth call. */
int arm_nth_anybody(const char *point, long nth);
int disarm(const char *point);

/* off, armed, spent, waiting, absent, or unknown; NULL without errpath.ko. */
const char *point_state(const char *point);
/* Why @point cannot be armed on this kernel, NULL if it can. */
const char *point_unavailable(const char *point);

#endif
