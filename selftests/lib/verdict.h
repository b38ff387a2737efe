/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_VERDICT_H
#define LIB_VERDICT_H

#include "known.h"
#include "slopes.h"
#include "splat.h"

/* The program's data, as the linker names its ends. */
extern char __data_start[], _end[];

/* Something that was not as before. */
struct verdict_finding {
	char what[256];		/* counter, line of /proc/iomem or of the log */
	long difference;	/* of a counter; for each failure, from slopes */
	bool lasting;		/* after a success, too */
	bool known;		/* in known-issues */
};

/*
 * What failing an operation did to the kernel: begin, fail it, failed, do it
 * with success, recovered, end. One at a time in a process.
 */
struct verdict {
	char test[1024];	/* PROGRAM.FIXTURE.VARIANT.TEST */
	struct known_list known;
	struct splat splat;
	long failures;
	int wrong;
	char reason[512];	/* for KSFT_XFAIL */
	int nr_findings;
	struct verdict_finding finding[32];
	int nr_merged;		/* findings that the last entry stands for, if any */
};

/* 0 or -errno: nothing can be judged. */
int verdict_begin(struct verdict *v, const char *fixture, const char *variant,
		  const char *test);

/*
 * After @failures failures of @operation at @point every counter must be back,
 * but for what known-issues tells.
 */
void verdict_failed(struct verdict *v, const char *point,
		    const char *operation, long failures);

/* What grew with each failure and not with each clean operation leaks. */
void verdict_slopes(struct verdict *v, const struct slopes *s);

/*
 * @err, or @good if known-issues tells that the operation named @step returns
 * just this error.
 */
int verdict_errno(struct verdict *v, const char *step, int err, int good);

/* Every counter must be back. */
void verdict_recovered(struct verdict *v, const char *operation);

/*
 * Compares two texts of /proc/iomem. verdict_failed() and verdict_recovered() call it with
 * the texts that they read.
 */
void verdict_iomem(struct verdict *v, const char *from, const char *to, bool lasting);

/*
 * Fails the verdict for each point that is "dead" in @status, a text of errpath/status:
 * somebody else switched its probe off, so it did not see the calls that it was armed for.
 * verdict_failed() and verdict_end() call it with what they read.
 */
void verdict_status(struct verdict *v, const char *status);

/* KSFT_PASS, KSFT_XFAIL (known issues showed and nothing else) or KSFT_FAIL. */
int verdict_end(struct verdict *v);

/* Begins in a test of the harness; @variant: its name, or "". */
#define VERDICT_BEGIN(v, variant) \
	ASSERT_EQ(0, verdict_begin(v, _metadata->fixture->name, variant, \
				   _metadata->name))

/*
 * Ends a test of the harness. Never XFAIL_ADD(), which would take a crash for
 * the known issue.
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
