/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_POINT_H
#define ERRPATH_POINT_H

#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/timer.h>

#include "../common/intercept.h"
#include "decide.h"
#include "filter.h"
#include "request.h"
#include "sites.h"
#include "stacks.h"
#include "tasks.h"

struct errpath_point;

#define ERRPATH_DEVICE_MAX	64	/* a device's name, and its end */

/* So many can be chosen at once by the knob function. */
#define ERRPATH_MAX_FUNCTIONS	64

/**
 * struct errpath_function - one function that a point intercepts
 * @symbol: its name, MODULE:NAME for one in a module
 * @match: which of its calls are meant, by their arguments; NULL: all
 * @device: the name of the device a call is for, for the knob device; NULL: no such knob
 * @min_arg: number of the argument that the knob min raises; 0: no such knob
 * @kind: a word for it and others like it, for the knob function; or NULL
 * @asks: for the knobs about requests, of an allocator
 * @returns: what a failed call returns, where the point has no errno
 */
struct errpath_function {
	const char *symbol;
	bool (*match)(struct pt_regs *regs);
	const char *(*device)(struct pt_regs *regs);
	unsigned int min_arg;
	const char *kind;
	struct request_args asks;
	long returns;
	/* private: */
	bool unselected;	/* knob function */
	struct errpath_point *point;
	struct intercept ic;
	enum function_presence { PRESENCE_UNKNOWN, PRESENT, ABSENT } presence;
};

/**
 * struct errpath_stats - what became of the calls since the point was armed
 * @seen: calls of the functions
 * @missed: calls the handler could not look at
 * @matched: calls that passed every filter
 * @injected: calls that failed
 */
struct errpath_stats {
	u64 seen;
	u64 missed;
	u64 matched;
	u64 injected;
};

/* The last call that was failed. */
struct errpath_last {
	atomic_t busy;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	unsigned long caller;
};

/**
 * struct errpath_point - one place in the kernel that can be made to fail
 * @name: its debugfs directory
 * @functions: what to intercept; the last has no @symbol
 * @default_caller: value of the knob caller until it is written
 * @default_errno: what a failed call returns; 0 if the functions say that
 * @wrappers: functions that call on behalf of others: the first frame above them
 *	is the site, for the knob caller too
 * @outermost: the functions call each other: a call from below one of them is not failed
 *
 * A point_*.c defines one with these and the module's Kbuild finds it.
 */
struct errpath_point {
	const char *name;
	struct errpath_function *functions;
	const char *default_caller;
	int default_errno;
	const char *wrappers;
	bool outermost;
	/* private: the knobs, changed under @mutex */
	struct fault_rules rules;
	struct stack_filter stack;
	struct request_filter request;
	struct targets targets;
	struct callers *callers;	/* NULL: the default, not parsed yet; freed under RCU */
	struct task_set tasks;
	struct ratelimit_state ratelimit;
	unsigned long verbose;
	unsigned long seconds;
	bool task_filter;
	int errno;
	char device[ERRPATH_DEVICE_MAX];	/* changes only while disarmed */
	unsigned long min;
	/* private: */
	struct mutex mutex;	/* whatever arms, disarms or sets a knob */
	bool caller_written;	/* not the default, which this kernel may lack */
	bool armed;		/* intercepted, or waiting for a module */
	bool live;		/* armed, and its functions count and fail */
	bool expired;		/* not live any more: see @seconds */
	struct timer_list expiry;
	struct errpath_stats __percpu *stats;
	struct sites sites;
	struct stacks stacks;
	struct errpath_last last;
};

/* Kbuild makes ERRPATH_POINTS from the names of the files point_*.c: point_a, point_b. */
extern struct errpath_point ERRPATH_POINTS;
extern struct errpath_point * const errpath_points[];	/* up to a NULL */

int point_init(struct errpath_point *point);
void point_exit(struct errpath_point *point);
int point_update(struct errpath_point *point);
void point_reset(struct errpath_point *point);
int point_set_callers(struct errpath_point *point, const char *text);
int point_set_skip(struct errpath_point *point, const char *text);
int point_want_stacks(struct errpath_point *point, bool wanted);
int point_select_functions(struct errpath_point *point, char *text);
void point_module_coming(struct errpath_point *point, const char *module);
void point_module_going(struct errpath_point *point, const char *module);
void point_limit(struct errpath_point *point);
bool function_is_present(const struct errpath_function *fn);
int point_find_functions(struct errpath_point *point);
const char *point_callers(const struct errpath_point *point);
const char *point_skip(const struct errpath_point *point);
const char *point_state(struct errpath_point *point);
struct errpath_stats point_stats(const struct errpath_point *point);

#endif /* ERRPATH_POINT_H */
