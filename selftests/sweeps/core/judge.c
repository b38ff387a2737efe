// SPDX-License-Identifier: GPL-2.0
/* Fails one target, and judges the errors of the steps and what the failure left behind. */
#include "core.h"
#include "cover.h"
#include "judge.h"
#include "lib/counters.h"
#include "lib/knobs.h"
#include "lib/verdict.h"
#include "records.h"
#include "repeat.h"
#include "run.h"

#define TRIES 3			/* until a target counts as "did not fire" */

/*
 * Runs the operation with @t failing; returns the number of failures. What the kernel keeps in
 * reserve can make a call needless for one run, as do the vmap areas that a purge returned to
 * alloc_vmap_area(). counters_settle() empties such reserves.
 */
static long fail_target(const struct target *t)
{
	long before = targets_injected(), fired = 0;
	int tries = target_is_nothing(t) ? 1 : TRIES;

	for (int i = 0; i < tries && !fired; i++) {
		if (i)
			counters_settle();
		bail_on_error(knob_set(options.point, "stacks", "Y"), "stacks");
		targets_select(t);
		run_once();
		bail_on_error(targets_select_none(), "targets");
		fired = targets_injected() - before - !!t->first;
	}
	return fired > 0 ? fired : 0;
}

/* Any error but ENOMEM is wrong, unless known-issues has it. */
static void judge_failed_run(struct verdict *v)
{
	for (int i = 0; i < last_run->nr_steps; i++) {
		int err = last_run->step[i].err;

		if (err && err != -ENOMEM)
			v->wrong += !!verdict_errno(v, last_run->step[i].name, err, 0);
	}
	v->wrong += last_run->signal || *last_run->wrong;
}

/* Any error is wrong, unless known-issues has it for the step "@when-STEP". */
static void judge_clean_run(struct verdict *v, const char *when)
{
	char name[48];

	for (int i = 0; i < last_run->nr_steps; i++) {
		snprintf(name, sizeof(name), "%s-%s", when, last_run->step[i].name);
		v->wrong += !!verdict_errno(v, name, last_run->step[i].err, 0);
	}
}

static const char *judge_end(struct verdict *v)
{
	static const char * const results[] = {
		[KSFT_PASS] = "pass",
		[KSFT_FAIL] = "fail",
		[KSFT_XFAIL] = "xfail",
	};

	return results[verdict_end(v)];
}

/* The operation fails in this guest even after its recovery: only a new guest can go on. */
static void __attribute__((noreturn)) exit_broken(const struct target *t, struct verdict *v)
{
	const char *result;

	judge_clean_run(v, "broken");
	result = judge_end(v);
	send_broken(t->hash, last_run, result, v);
	printf("# the operation does not recover: this guest ends\n");
	exit(KSFT_FAIL);
}

/* Runs the operation without a failure; where it does not succeed, recovers it. */
static void judge_success(const struct target *t, struct verdict *v)
{
	targets_survey();
	run_exit_if_hung(t->hash);
	send_again(t->hash, last_run);
	judge_clean_run(v, "again");
	if (!run_error())
		return;
	if (options.op->recover)
		options.op->recover();
	run_once();
	run_exit_if_hung(t->hash);
	if (run_error())
		exit_broken(t, v);
}

static void judge_cover(const struct target *t)
{
	static struct cover cover;

	if (!options.cover)
		return;
	cover.nr = 0;
	bail_on_error(cover_add(&cover), "kcov");
	send_covered(t->hash, &cover);
}

/* @v: has the counters before, and the name of the target. */
static void judge(const struct target *t, struct verdict *v)
{
	const char *result;
	long fired;

	send_target(t);
	fired = fail_target(t);
	run_exit_if_hung(t->hash);
	if (options.pairs && !t->first)
		targets_add_pairs(t);
	send_failed(t->hash, fired, last_run);
	judge_cover(t);
	/* In what follows the tries differ from the one run of the twin in which nothing fails. */
	v->twins &= fired || target_is_nothing(t);
	judge_failed_run(v);
	verdict_failed(v, options.point, options.op->what, fired);
	judge_success(t, v);
	verdict_recovered(v, "the same operation without a failure");
	if (v->twins)
		send_moved(t->hash, targets_survey_digest(), v);
	if (options.repeats && fired)
		repeat_target(t, v);
	result = judge_end(v);
	send_judged(t->hash, result, v);
}

void judge_target(const struct target *t)
{
	static struct verdict v;
	char name[960];

	target_known_name(t, name, sizeof(name));
	bail_on_error(verdict_begin(&v, options.op->name, "", name), "verdict");
	judge(t, &v);
}

void judge_twin(const struct target *t, struct verdict *v)
{
	char name[960];

	target_known_name(t, name, sizeof(name));
	bail_on_error(verdict_name(v, options.op->name, "", name), "verdict");
	judge(t, v);
}
