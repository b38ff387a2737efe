/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HARNESS_H
#define LIB_HARNESS_H

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "kselftest_harness.h"

/* A skip replaces a pass only: the harness's own SKIP() hides a check that failed before it. */
static inline void __attribute__((format(printf, 2, 3)))
harness_skip(struct __test_metadata *test, const char *fmt, ...)
{
	const size_t size = sizeof(test->results->reason);
	char reason[sizeof(test->results->reason)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, size, fmt, args);
	va_end(args);
	/* Ends the handler of a check that called SKIP(). */
	test->trigger = 0;
	if (test->exit_code != KSFT_PASS) {
		fprintf(TH_LOG_STREAM, "# not skipped, for the test has its result: %s\n", reason);
		return;
	}
	memcpy(test->results->reason, reason, size);
	fprintf(TH_LOG_STREAM, "#      SKIP      %s\n", reason);
	test->exit_code = KSFT_SKIP;
}

#undef SKIP
#define SKIP(statement, fmt, ...) do { \
	harness_skip(_metadata, fmt, ##__VA_ARGS__); \
	statement; \
} while (0)

/* It takes every failure of the test, a crash too, for the expected one: see VERDICT_END(). */
#undef XFAIL_ADD
#define XFAIL_ADD(...) static_assert(0, "XFAIL_ADD() hides failures")

/* Does the command line select any test? */
static inline bool harness_selects(int argc, char **argv)
{
	struct __fixture_variant_metadata none = { .name = "" }, *v;
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next) {
		for (v = f->variant ?: &none; v; v = v->next) {
			for (t = f->tests; t; t = t->next) {
				if (test_enabled(argc, argv, f, v, t))
					return true;
			}
		}
	}
	return false;
}

/*
 * The time limits of the harness fit a common kernel. A kernel that checks itself as it runs
 * takes ERRPATH_SLOW times as long.
 */
static inline void harness_stretch_limits(void)
{
	int times = atoi(getenv("ERRPATH_SLOW") ?: "1");
	const struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next) {
		for (t = f->tests; t; t = t->next)
			t->timeout *= times;
	}
}

/* Runs the selected tests. That none is selected is a failure: the harness passes. */
static inline int harness_run(int argc, char **argv)
{
	int result = test_harness_argv_check(argc, argv);

	if (result != KSFT_PASS)
		return result;
	if (!harness_selects(argc, argv)) {
		fprintf(stderr, "# no test is named so; -l lists all\n");
		return KSFT_FAIL;
	}
	harness_stretch_limits();
	return test_harness_run(argc, argv);
}

/* What TEST_HARNESS_MAIN calls. */
#define test_harness_run harness_run

#endif
