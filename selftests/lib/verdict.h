/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_VERDICT_H
#define LIB_VERDICT_H

#include "known.h"
#include "slopes.h"
#include "splat.h"

/* The ends of the program's data, as the linker names them. */
extern char __data_start[], _end[];

/* A difference between the kernel before and after the operation. */
struct verdict_finding {
	char what[256];		/* counter, or line of /proc/iomem or of the log */
	long difference;	/* of a counter; for each failure, from slopes */
	bool lasting;		/* after a success, too */
	bool known;		/* in known-issues */
};

struct verdict_counters;

/*
 * What failing an operation did to the kernel. A test calls verdict_begin(), fails the
 * operation, calls verdict_failed(), runs the operation with success, and calls
 * verdict_recovered() and verdict_end(). Only one verdict may be open in a process at a time,
 * as the kernel log and the slopes are shared.
 */
struct verdict {
	char test[1024];	/* PROGRAM.FIXTURE.VARIANT.TEST */
	struct known_list known;
	struct splat splat;
	struct verdict_counters *counters;	/* while the verdict is open */
	bool twins;
	long failures;
	int wrong;
	char reason[1024];	/* for KSFT_XFAIL */
	int nr_findings;
	struct verdict_finding finding[32];
	int nr_merged;		/* findings for which the last entry stands, if any */
};

/*
 * Keeps huge pages, and the huge zero page, away from the program's data. verdict_begin() calls it;
 * a program that runs operations before that calls it first.
 */
void verdict_keep_program_small(void);

/* Returns 0, or -errno: nothing can be judged. */
int verdict_begin(struct verdict *v, const char *fixture, const char *variant,
		  const char *test);

/*
 * Takes the counters before the operation again, after operations that prepare it. They come behind
 * verdict_begin() if the log has lines of known issues then. Returns 0 or -errno.
 */
int verdict_prepared(struct verdict *v);

/*
 * Compares the counters after @failures failures of @operation at @point: each must be back,
 * except for the differences in known-issues.
 */
void verdict_failed(struct verdict *v, const char *point,
		    const char *operation, long failures);

/* Fails the verdict for each counter that grew with the failures, but not with clean operations. */
void verdict_slopes(struct verdict *v, const struct slopes *s);

/*
 * Returns @good if known-issues says that the operation named @step returns @err, otherwise
 * @err.
 */
int verdict_errno(struct verdict *v, const char *step, int err, int good);

/*
 * Returns the part of @difference that known-issues does not explain by rows about @name, a value
 * that the test measured itself, during the operation. At most @noise of it is noise.
 */
long verdict_difference(struct verdict *v, const char *name, long difference, long noise);

/*
 * From now on the counter @name must be @difference more than it was before the operation, which
 * moved it as it should.
 */
void verdict_expect(struct verdict *v, const char *name, long difference);

/* Compares the counters after a success: each must be back. */
void verdict_recovered(struct verdict *v, const char *operation);

/*
 * For guests that are restored from one template, which are twins: verdict_open() takes the
 * counters before the template is kept, and verdict_name() takes the place of verdict_begin() in
 * each of the guests. Both return 0 or -errno.
 */
int verdict_open(struct verdict *v);
int verdict_name(struct verdict *v, const char *fixture, const char *variant, const char *test);
/*
 * From now on the counters after a success must be exactly as in a twin in which nothing failed:
 * those before and the differences of the twin, which verdict_twin() gives, one in each call.
 */
void verdict_twins(struct verdict *v);
void verdict_twin(struct verdict *v, const char *name, long difference);
/* Calls @action for each gauge that differs from what it should be, by the last comparison. */
void verdict_each_difference(const struct verdict *v,
			     void (*action)(const char *name, long difference));

/*
 * Compares two texts of /proc/iomem. verdict_failed() and verdict_recovered() call it with
 * the texts that they read.
 */
void verdict_iomem(struct verdict *v, const char *from, const char *to, bool lasting);

/*
 * Fails the verdict for each point that is "dead" in @status, a text of errpath/status: its
 * probe was switched off, but not by errpath, so it did not see the calls that it was armed
 * for. verdict_failed() and verdict_end() call it with the text that they read.
 */
void verdict_status(struct verdict *v, const char *status);

/* Returns KSFT_PASS, KSFT_XFAIL (known issues showed and nothing else) or KSFT_FAIL. */
int verdict_end(struct verdict *v);

/* Begins the verdict of a test of the harness; @variant: its name, or "". */
#define VERDICT_BEGIN(v, variant) \
	ASSERT_EQ(0, verdict_begin(v, _metadata->fixture->name, variant, \
				   _metadata->name))

/*
 * Ends the verdict of a test of the harness. XFAIL_ADD() cannot do this: it would take a crash
 * for the known issue.
 */
#define VERDICT_END(v) do { \
	struct verdict *__v = (v); \
	int __result = verdict_end(__v); \
	EXPECT_NE(KSFT_FAIL, __result); \
	if (_metadata->exit_code == KSFT_PASS && __result == KSFT_XFAIL) { \
		snprintf(_metadata->results->reason, \
			 sizeof(_metadata->results->reason), "%.*s", \
			 (int)sizeof(__v->reason) - 1, __v->reason); \
		_metadata->exit_code = KSFT_XFAIL; \
	} \
} while (0)

#endif
