/* SPDX-License-Identifier: GPL-2.0 */
#ifndef INTERCEPTION_TARGET_H
#define INTERCEPTION_TARGET_H

#include "lib/harness_parts.h"

#define CALLS 50
#define TRACING "/sys/kernel/tracing"
#define FTRACE_ENABLED "/proc/sys/kernel/ftrace_enabled"

/* A function of errpath_target.ko, which exists to be failed, and its failure point. */
struct target {
	const char *point;
	const char *function;
	const char *which;	/* see target_call() */
	bool traceable;
};

extern const struct target target_traced;
extern const struct target target_notrace;

/* Opens the guard and silences the point. Returns the guard or -errno. */
int target_open_guard(const struct target *t);

/*
 * Removes what a test left. The guard is closed by the end of the test's process; the
 * tracers and the other modules are not. Returns 0 or -errno.
 */
int target_clean_up(void);

/* Arms the point to fail every call of every task. Returns 0 or -errno. */
int target_arm_all(const struct target *t);

/* Makes CALLS calls. Expects that the point saw @seen of them and failed @injected. */
void target_expect_calls(struct __test_metadata *_metadata, const struct target *t,
			 const char *context, unsigned long seen, unsigned long injected);

/* Makes CALLS calls, whether they fail or not. Returns 0 or -errno. */
int target_make_calls(const struct target *t);

/*
 * errpath_rival.ko puts a hook of @kind at @function: "kprobe", "kretprobe", "ftrace",
 * "post_handler", "ipmodify" or "nesting"; "none" removes it. Returns 0 or -errno.
 */
int rival_set(const char *kind, const char *function);

/* Returns how often the hook was hit, or -1. */
long rival_hits(void);

#endif
