/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_REPORT_H
#define ERRPATH_REPORT_H

#include <linux/sched.h>
#include <linux/types.h>

#define REPORT_MAX_FRAMES	16

struct ratelimit_state;

/**
 * struct report - one injection, to be printed later
 * @point: its name
 * @function: name of the intercepted function
 * @what: what happened to the call, for people
 * @nth: number of the call since the point was armed
 * @pid: of the task that called, or was interrupted
 * @comm: its name
 * @caller: return address
 * @ratelimit: may keep the line back
 * @nr_frames: length of @frames; 0: no stack is wanted
 * @frames: return addresses from the caller upwards
 */
struct report {
	const char *point;
	const char *function;
	const char *what;
	u64 nth;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	unsigned long caller;
	struct ratelimit_state *ratelimit;
	unsigned int nr_frames;
	unsigned long frames[REPORT_MAX_FRAMES];
};

struct report *report_begin(void);
void report_end(struct report *report);
void report_flush(void);

#endif /* ERRPATH_REPORT_H */
