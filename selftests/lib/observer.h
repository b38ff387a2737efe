/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_OBSERVER_H
#define LIB_OBSERVER_H

#include <stdbool.h>

/*
 * The ways in which a kernel lets others watch the calls of one function: probes, events,
 * tracers and BPF programs. Each counts the calls of this process.
 */
struct observer;

/* An observer at a function. */
struct observation {
	const struct observer *by;	/* NULL: not attached */
	const char *function;
	int fd, map, program;
};

/* What an observer saw. */
struct observed {
	long calls;
	long zero;		/* calls that returned 0; -1: it does not see that */
};

/* Says why @function cannot be watched by the observer @name here; NULL if it can. */
const char *observer_lacks(const char *name, const char *function);

/* All return 0 or -errno. */
int observer_attach(struct observation *o, const char *name, const char *function);
int observer_read(const struct observation *o, struct observed *seen);
int observer_detach(struct observation *o);

/* Removes what a test that died may have left in tracefs. */
void observer_clean_up(void);

#endif
