/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_SWEEP_H
#define LIB_SWEEP_H

#include <stdbool.h>
#include <sys/types.h>

#define SWEEP_STEPS 16

/* The result of one run of an operation, in memory that is shared with the child. */
struct sweep_run {
	int nr_steps;
	struct {
		char name[32];
		int err;	/* 0 or -errno */
	} step[SWEEP_STEPS];
	char wrong[256];	/* the expected effect that is missing, or "" */
	int signal;		/* that killed the child, or 0 */
	bool hung;
	char where[4096];	/* kernel stack of a child that hangs */
};

/*
 * An operation whose allocations are failed one by one, in a file of sweeps/. Runs without a
 * failure must leave the kernel as it was before, once the operation has run twice.
 */
struct sweep_operation {
	const char *name;
	const char *what;	/* description for the report */
	/* Returns why it cannot run on this kernel, or NULL. Optional. */
	const char *(*unavailable)(void);
	/* Called once, before all runs. Returns 0 or -errno. Optional. */
	int (*prepare)(void);
	/*
	 * Called before each run, in the same process, without failures. Frees what the last run
	 * in this process left. Optional.
	 */
	int (*setup)(void);
	/* The operation itself, called in a child. Returns 0 or the error of its first bad step. */
	int (*run)(struct sweep_run *r);
	/* Called in the parent after a failed run: removes what that may have left. Optional. */
	int (*recover)(void);
	/* Values of the knobs caller and skip. NULL: each call of the process during the run. */
	const char *scope;
	const char *skip;
	const char *point;	/* NULL: alloc */
	bool workers;		/* kernel threads do the work: no task filter */
	bool asks_host;		/* for memory: at no known time, so that guests are no twins */
	int seconds;		/* until a run counts as a hang; 0: 10 */
};

#define SWEEP_OPERATION(_name) \
	static const struct sweep_operation sweep_##_name; \
	static const struct sweep_operation * const sweep_ref_##_name \
	__attribute__((used, section("sweeps"))) = &sweep_##_name; \
	static const struct sweep_operation sweep_##_name

/* All operations, collected by the linker. */
extern const struct sweep_operation * const __start_sweeps[];
extern const struct sweep_operation * const __stop_sweeps[];

/* Records a step, and returns its error. */
int sweep_step(struct sweep_run *r, const char *name, int err);
/* Records a step that is a system call with the result @ret, and returns its error. */
int sweep_call(struct sweep_run *r, const char *name, long ret);
/* Records @what as the wrong effect of the operation, unless @right. Returns 0 or -EIO. */
int sweep_expect(struct sweep_run *r, bool right, const char *what);

#endif
