/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_SWEEP_H
#define LIB_SWEEP_H

#include <stdbool.h>
#include <sys/types.h>

#define SWEEP_STEPS 16

/* What became of one run of an operation. In memory that the child shares. */
struct sweep_run {
	int nr_steps;
	struct {
		char name[32];
		int err;	/* 0 or -errno */
	} step[SWEEP_STEPS];
	char wrong[256];	/* an effect that was not there */
	int signal;		/* that killed it */
	bool hung;
	char where[4096];	/* it hangs */
};

/*
 * An operation whose allocations are failed one by one: a file of sweeps/. Twice run
 * without a failure, the kernel is as it was.
 */
struct sweep_operation {
	const char *name;
	const char *what;	/* for people */
	/* Why it cannot run here; NULL: it can. Optional. */
	const char *(*unavailable)(void);
	/* Once, before all. 0 or -errno. Optional. */
	int (*prepare)(void);
	/*
	 * Each time before run, in the same process; nothing is failed. Gives back what the
	 * last time made. Optional.
	 */
	int (*setup)(void);
	/* What is failed, in a process of its own. 0 or its first step's error. */
	int (*run)(struct sweep_run *r);
	/* After a run that was failed, in the parent: what that may have left. Optional. */
	int (*recover)(void);
	/* Names for the knobs caller and skip. NULL: any call of the process while it runs. */
	const char *scope;
	const char *skip;
	const char *point;	/* NULL: alloc */
	bool workers;		/* the kernel works in threads of its own: no task filter */
	int seconds;		/* longer is a hang; 0: 10 */
};

#define SWEEP_OPERATION(_name) \
	static const struct sweep_operation sweep_##_name; \
	static const struct sweep_operation * const sweep_ref_##_name \
	__attribute__((used, section("sweeps"))) = &sweep_##_name; \
	static const struct sweep_operation sweep_##_name

/* All of them, by the linker. */
extern const struct sweep_operation * const __start_sweeps[];
extern const struct sweep_operation * const __stop_sweeps[];

/* Records a step, and returns its error. */
int sweep_step(struct sweep_run *r, const char *name, int err);
/* Of a system call: its error is in errno. */
int sweep_call(struct sweep_run *r, const char *name, long ret);
/* An effect that is more than an errno; not @right: told as wrong. Returns 0 or -EIO. */
int sweep_expect(struct sweep_run *r, bool right, const char *what);

#endif
