/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMMAND_SWEEP_REPORT_H
#define COMMAND_SWEEP_REPORT_H

/*
 * Prints what a sweep finds, in place of the records of sweeps/core/records.h. sweep_report_end()
 * returns the exit status: 1 if a failure was not handled as it should be, EXIT_OWN if no call
 * matched.
 */
struct arguments;

void sweep_report_begin(void);
int sweep_report_end(const struct arguments *a);

#endif
