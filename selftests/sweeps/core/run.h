/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_RUN_H
#define SWEEPS_RUN_H

#include <sys/types.h>

#include "lib/sweep.h"

/* The result of the last run, in memory that the child processes share. */
extern struct sweep_run *last_run;

void run_init(void);

/* From here on calls are failed only while the operation runs. */
void window_prepare(void);
void window_close(void);
void window_end(void);

/* Lets this process be killed when its parent ends, so that it does not hold the guard longer. */
void run_end_with_parent(void);

/* Runs the operation in a child process and waits for it, or until it counts as hung. */
void run_once(void);
/* Runs the operation in this process. */
void run_in_process(void);

/* The error of the first step that failed; -EIO for any other failure; or 0. */
int run_error(void);

/* Reads the kernel stack of @pid's first thread into last_run->where. */
void run_find_where(pid_t pid);
/* Ends the guest if the run hung while the target @hash was failed. */
void run_exit_if_hung(const char *hash);

#endif
