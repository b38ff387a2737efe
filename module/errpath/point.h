/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_POINT_H
#define ERRPATH_POINT_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/timer.h>

#include "../common/intercept.h"
#include "cache.h"
#include "decide.h"
#include "filter.h"
#include "request.h"
#include "sites.h"
#include "stacks.h"
#include "tasks.h"

struct dentry;
struct errpath_point;
struct knob_file;

#define ERRPATH_DEVICE_MAX	64	/* size of a device's name with its NUL */
#define ERRPATH_MAX_FUNCTIONS	64	/* of one point */

/**
 * struct errpath_function - one function that a point intercepts
 * @symbol: NAME, or MODULE:NAME for a function of a module
 * @match: selects calls by their arguments; NULL: every call
 * @device: returns the name of the call's device, for the knob device; NULL: no such knob
 * @min_arg: number of the argument that the knob min raises; 0: no such knob
 * @kind: name of a group of functions, for the knob function; NULL: none
 * @request: where an allocator has its gfp flags and size; makes the knobs that filter by them
 * @returns: return value of a failed call, if the point has no errno or the function is an
 *	allocator; of such a function that returns an error: any error
 */
struct errpath_function {
	const char *symbol;
	bool (*match)(struct arch_regs *regs);
	const char *(*device)(struct arch_regs *regs);
	unsigned int min_arg;
	const char *kind;
	struct request_args request;
	long returns;
	/* private: */
	bool unselected;	/* by the knob function */
	bool by_arguments;	/* has @match, @device or @request */
	bool by_errno;		/* returns the point's errno */
	struct errpath_point *point;
	struct intercept ic;
	enum function_presence {
		FUNCTION_UNKNOWN,
		FUNCTION_PRESENT,
		FUNCTION_ABSENT,
	} presence;
};

/**
 * struct errpath_stats - calls counted since the point was armed
 * @seen: calls of the point's functions
 * @missed: calls that the handler could not examine
 * @matched: calls that passed every filter
 * @injected: calls that errpath failed
 * @walked: calls whose stack was walked for a filter
 */
struct errpath_stats {
	u64 seen;
	u64 missed;
	u64 matched;
	u64 injected;
	u64 walked;
};

/* The most recent call that errpath failed. @busy is a lock that the handler only tries. */
struct errpath_last {
	atomic_t busy;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	unsigned long caller;
};

/**
 * struct errpath_point - a place in the kernel that errpath can make fail
 * @name: name of its debugfs directory
 * @functions: the functions to intercept; the last entry has no @symbol
 * @default_caller: value of the knob caller until it is written
 * @default_errno: return value of a failed call, except of allocators that return NULL; 0: each
 *	function's @returns
 * @wrappers: functions that call on behalf of their caller. The first frame above them
 *	is the site, which is also what the knob caller is compared with
 * @outermost: the functions call each other; fail only the outermost call
 *
 * Each file point_NAME.c defines one point with these fields; Kbuild finds the file. The file
 * functions makes others at run time.
 */
struct errpath_point {
	const char *name;
	struct errpath_function *functions;
	const char *default_caller;
	int default_errno;
	const char *wrappers;
	bool outermost;
	/* private: values of the knobs, changed under @mutex */
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
	struct cache_choice cache;	/* the one of @request */
	char device[ERRPATH_DEVICE_MAX];	/* changes only while the point is disarmed */
	unsigned long min;
	unsigned long delay_us;
	enum point_instead {
		INSTEAD_NOTHING,
		INSTEAD_RAISE_MIN,	/* raise an argument to @min */
		INSTEAD_DELAY,		/* wait for @delay_us */
	} instead;		/* of failing the call: follows from @min and @delay_us */
	/* private: */
	struct mutex mutex;	/* serialises arming, disarming and writes to the knobs */
	bool scoped;		/* armed or about to be: the tasks below stack:NAME are marked */
	bool caller_written;	/* false: the default callers, which this kernel may lack */
	bool armed;		/* intercepted, or waiting for a module */
	bool live;		/* armed, and the handler counts and fails calls */
	bool expired;		/* armed, but stopped after @seconds */
	struct timer_list expiry;
	struct errpath_stats __percpu *stats;
	struct sites sites;
	struct stacks stacks;
	struct errpath_last last;
	struct list_head list;		/* in errpath_points */
	struct dentry *dir;
	struct knob_file *files;	/* of @dir, one for each knob */
};

/* Kbuild makes ERRPATH_POINTS from the names of the files point_*.c: point_a, point_b. */
extern struct errpath_point ERRPATH_POINTS;

bool function_is_present(const struct errpath_function *fn);
bool function_is_in_module(const struct errpath_function *fn, const char *module);
void function_set_presence(struct errpath_function *fn, enum function_presence presence);

int point_find_functions(struct errpath_point *point);
bool point_is_present(const struct errpath_point *point);
bool point_waits_for_module(const struct errpath_point *point);
bool point_lacks_tasks(struct errpath_point *point);
const char *point_state(struct errpath_point *point);

struct errpath_stats point_stats(const struct errpath_point *point);
void point_clear_stats(struct errpath_point *point);

const char *point_callers(const struct errpath_point *point);
const char *point_skip(const struct errpath_point *point);
int point_set_callers(struct errpath_point *point, const char *text);
int point_set_skip(struct errpath_point *point, const char *text);
int point_use_default_callers(struct errpath_point *point);
void point_forget_callers(struct errpath_point *point);
int point_open_scope(struct errpath_point *point);
void point_close_scope(struct errpath_point *point);
int point_record_stacks(struct errpath_point *point, bool on);
int point_select_functions(struct errpath_point *point, char *text);
void point_set_defaults(struct errpath_point *point);
void point_set_instead(struct errpath_point *point);

#endif /* ERRPATH_POINT_H */
