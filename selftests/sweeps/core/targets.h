/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_TARGETS_H
#define SWEEPS_TARGETS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/stacks.h"

/* One call of the operation that is to fail. */
struct target {
	struct stack stack;
	long occurrence;		/* of this stack within the operation, from 1 */
	const struct target *first;	/* NULL, or the target that fails earlier in the run */
	char hash[24];			/* names all of the above; the same in each guest */
};

/* Runs the operation without a failure and adds the calls that are not in the list yet. */
void targets_survey(void);
/* Combines the stacks of the last survey in their order, each with its number of calls. */
unsigned long targets_survey_digest(void);
/* Adds the calls that the last run made only because @first had failed. */
void targets_add_pairs(const struct target *first);

int targets_count(void);
const struct target *targets_get(int i);
/* Returns the target that no call is, so that nothing fails. */
const struct target *targets_nothing(void);
bool target_is_nothing(const struct target *t);
/* Returns the target with this hash, or that which is no call, or NULL. */
const struct target *targets_lookup(const char *hash);

/* Combines the hashes of all targets: guests that found the same ones have the same number. */
unsigned long targets_digest(void);
/* True if @t is in the lane of this guest. */
bool target_is_in_lane(const struct target *t);
/* True if @t, of the first clean run, is in the shard of this sweep. */
bool target_is_in_shard(const struct target *t);
/* True if ERRPATH_UNDER names @t or a function that @t is below, or if it names nothing. */
bool target_is_selected(const struct target *t);
/* True if a guest before this one has judged @t. */
bool target_is_done(const struct target *t);
/* Writes the name of @t for known-issues: CALLER<CALLER<...#OCCURRENCE. */
void target_known_name(const struct target *t, char *name, size_t size);

/* Selects the calls that fail from now on: @t, after its first; or none. */
void targets_select(const struct target *t);
int targets_select_none(void);

/* Number of calls failed since the point was armed. */
long targets_injected(void);

#endif
