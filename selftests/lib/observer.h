/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_OBSERVER_H
#define LIB_OBSERVER_H

#include <stdbool.h>

/*
 * A way to watch the calls of one function: a probe, an event, a tracer or a BPF program. Each
 * counts the calls of this process.
 */
struct observer;

/* An observer at a function. */
struct observation {
	const struct observer *by;	/* NULL: not attached */
	const char *function;
	int fd, map, program;
};

/* The calls that an observer counted. */
struct observed {
	long calls;
	long zero;		/* calls that returned 0; -1: not counted */
};

/* Returns why the observer @name cannot watch @function on this kernel, or NULL. */
const char *observer_lacks(const char *name, const char *function);

/* All return 0 or -errno. */
int observer_attach(struct observation *o, const char *name, const char *function);
int observer_read(const struct observation *o, struct observed *seen);
int observer_detach(struct observation *o);

/* Removes what a killed test may have left in tracefs. */
void observer_clean_up(void);

#endif
