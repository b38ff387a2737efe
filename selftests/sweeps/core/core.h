/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_CORE_H
#define SWEEPS_CORE_H

/*
 * The sweep program consists of
 *   ../../sweep.c  options and preparation
 *   sweep.c        the loop over the targets
 *   run.c          runs the operation in a child process, within a time limit
 *   cover.c        records which code a run executes
 *   targets.c      the list of calls to fail, from the stacks of clean runs
 *   judge.c        fails one target and judges what the failure left behind
 *   twins.c        becomes a template, and judges one target in each guest restored from it
 *   survey.c       lists the targets for the host, and fails none
 *   repeat.c       repeats one failure many times, to find small leaks
 *   kept.c         finds the lines of source that allocated what is lost
 *   records.c      sends the records that ../README.md describes to the host
 * The command errpath has all of them but the first, twins.c, survey.c and records.c.
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
	bool twins;		/* ERRPATH_TWINS: one guest for each target, of the same template */
	bool persistent;	/* ERRPATH_PERSISTENT: all calls after a failed one fail, too */
	bool memcg;		/* ERRPATH_MEMCG: each run in a memory cgroup of its own */
	bool pairs;		/* ERRPATH_PAIRS: also fail a second call after a failed one */
	unsigned long lane;	/* ERRPATH_LANE=LANE/LANES: which part of the targets is ours */
	unsigned long lanes;	/* guests that share the targets */
	unsigned long shard;	/* ERRPATH_SHARD=SHARD/SHARDS, from 1: which part this sweep has */
	unsigned long shards;	/* sweeps that share the targets */
	const char *under;	/* ERRPATH_UNDER: only these, or below these functions; or NULL */
	bool survey;		/* ERRPATH_SURVEY: only list the targets */
	bool kept;		/* ERRPATH_KEPT: tell the lines that allocated what is lost */
	const char *done_list;	/* file from the host with the hashes of judged calls; or NULL */
	bool cover;		/* ERRPATH_COVER: tell which code ran */
	void (*set_knobs)(void);	/* sets further knobs of the point; or NULL */
};

extern struct sweep_options options;

/* Says that @what failed with @err, and ends the program: each program that sweeps has its own. */
void __attribute__((noreturn)) sweep_bail_out(const char *what, int err);

/* Ends the program if @err is negative: without @what no call can be judged. */
static inline void bail_on_error(int err, const char *what)
{
	if (err < 0)
		sweep_bail_out(what, err);
}

#endif
