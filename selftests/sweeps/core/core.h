/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_CORE_H
#define SWEEPS_CORE_H

/*
 * The sweep program consists of
 *   ../../sweep.c  options, preparation, the loop over the targets
 *   run.c          runs the operation in a child process, within a time limit
 *   targets.c      the list of calls to fail, from the stacks of clean runs
 *   judge.c        fails one target and judges what the failure left behind
 *   repeat.c       repeats one failure many times, to find small leaks
 *   records.c      sends the records that ../README.md describes to the host
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest.h"
#include "lib/sweep.h"

/* Set by main() before anything runs. */
struct sweep_options {
	const struct sweep_operation *op;
	const char *point;	/* directory of the failure point in debugfs */
	long occurrences;	/* ERRPATH_OCCURRENCES: fail at most this many calls of a stack */
	long repeats;		/* ERRPATH_K: repeat each failure this many times */
	bool pairs;		/* ERRPATH_PAIRS: also fail a second call after a failed one */
	unsigned long lane;	/* ERRPATH_LANE=LANE/LANES: which part of the targets is ours */
	unsigned long lanes;	/* guests that share the targets */
};

extern struct sweep_options options;

/* Ends the program if @err is negative: without @what no call can be judged. */
static inline void bail_on_error(int err, const char *what)
{
	if (err >= 0)
		return;
	printf("Bail out! %s: %s\n", what, strerror(-err));
	exit(KSFT_FAIL);
}

#endif
