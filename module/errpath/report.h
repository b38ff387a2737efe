/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_REPORT_H
#define ERRPATH_REPORT_H

#include <linux/sched.h>
#include <linux/types.h>

#define REPORT_MAX_FRAMES	16

struct ratelimit_state;

/**
 * struct report - one injection, to be printed later
 * @point: name of the point
 * @function: name of the intercepted function
 * @what: what happened to the call, in words
 * @nth: number of the call among those that matched since the point was armed
 * @pid: the task that made the call, or that was interrupted
 * @comm: name of that task
 * @caller: return address of the call
 * @ratelimit: can suppress the line
 * @nr_frames: number of @frames; 0: print no stack
 * @frames: return addresses, from the caller upwards
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
