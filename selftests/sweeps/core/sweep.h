/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_SWEEP_H
#define SWEEPS_SWEEP_H

/*
 * The parts of a sweep of options.op, which is prepared, in their order behind window_prepare().
 * sweep_warm_up() arms the point and runs the operation a few times, sweep_survey() finds its
 * calls, and sweep_targets() fails those of this guest's lane, one after the other.
 */
void sweep_warm_up(void);
void sweep_survey(void);
void sweep_targets(void);

/* Does all of it, and closes the window. */
void sweep_operation(void);

#endif
