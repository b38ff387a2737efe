/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADS_LOADS_H
#define LOADS_LOADS_H

#include <stdbool.h>

/*
 * A load keeps one part of the kernel busy while a test runs. Each runs in a process that is
 * killed at the end. A file of this directory has one load, or several that are alike; loads.c
 * lists them.
 */
struct load {
	const char *name;
	const char *(*unavailable)(void);	/* the reason, or NULL; may be missing */
	/* Does its work once. Returns 0, or -errno, which ends the load and fails the test. */
	int (*once)(void);
	/*
	 * Microseconds between two times. A load that stops all processors, or holds a lock that
	 * others need, must leave them time.
	 */
	unsigned int pause_us;
	/* Takes back what the killed process may have left. May be missing. */
	int (*undo)(void);
};

extern const struct load load_fork, load_memory, load_thp;
extern const struct load load_hotplug, load_dimm;
extern const struct load load_cpus, load_modules;
extern const struct load load_kprobe, load_fprobe, load_function_graph, load_fentry;

/*
 * Starts each load that this kernel can have, and prints the others with the reason. Returns 0 or
 * -errno.
 */
int loads_start(void);
/* Waits until each load has run once, at most @seconds. Returns whether each has. */
bool loads_wait(int seconds);
/* Prints how many times each load ran. Returns how many of them have stopped by an error. */
int loads_check(void);
/* Kills the loads and takes back what they left. Returns 0 or -errno. */
int loads_stop(void);

#endif
