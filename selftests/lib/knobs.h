/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_KNOBS_H
#define LIB_KNOBS_H

#include <stdbool.h>
#include <stddef.h>

#define ERRPATH "/sys/kernel/debug/errpath"

struct stats {
	long seen;
	long missed;
	long walked;
	long matched;
	long injected;
};

/*
 * Opens the guard, which only one process can hold: closing it disarms all points and resets
 * all knobs. Returns a descriptor, -EBUSY if another process holds the guard and does not close
 * it within half a second, or -errno.
 */
int guard_open(void);

/*
 * Set a knob; read it without its newline; read the counts of a point. Return 0 or -errno.
 * point_has_knob(): a knob that does not apply to a point, or to this kernel, does not exist.
 */
int knob_set(const char *point, const char *knob, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int knob_get(const char *point, const char *knob, char *buf, size_t size);
bool point_has_knob(const char *point, const char *knob);
int stats_read(const char *point, struct stats *s);
/* Returns how many calls from the function @site were failed; -1: no such point. */
long stats_site(const char *point, const char *site);

/*
 * Adds a point at run time that makes @functions, separated by commas, return @returns; removes
 * it. Return 0 or -errno; the kernel log says why.
 */
int point_add(const char *name, const char *functions, const char *returns);
int point_remove(const char *name);

/* Arms the point for the @nth call of this task and its children. */
int arm_nth(const char *point, long nth);
/* Arms the point for the first @times calls of this task and its children; -1: for all. */
int arm_times(const char *point, long times);
/* Arms the point for the @nth call of any task, kernel threads included. */
int arm_nth_anybody(const char *point, long nth);
int disarm(const char *point);

/* Returns off, armed, spent, waiting, pending, absent, or unknown; NULL without errpath.ko. */
const char *point_state(const char *point);
/* Returns why @point cannot be armed on this kernel, or NULL. */
const char *point_unavailable(const char *point);

#endif
