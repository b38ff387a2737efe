/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_TWINS_H
#define SWEEPS_TWINS_H

/* Call twins_prepare() before the warm-up, and twins_open() between it and the survey. */
void twins_prepare(void);
void twins_open(void);
/*
 * Tells the host the targets, and waits until it has kept this guest as a template. The rest runs
 * in the guests that are restored from it, which are twins: each judges the one target that its
 * host names. In one of them nothing fails: its counters are what those of the others must be.
 */
void twins_run(void);

#endif
