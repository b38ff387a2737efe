/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HARNESS_H
#define LIB_HARNESS_H

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "kselftest_harness.h"

/*
 * Skips a test that has not failed. The SKIP() of the harness replaces any result, and so hides
 * a check that failed before it.
 */
static inline void __attribute__((format(printf, 2, 3)))
harness_skip(struct __test_metadata *test, const char *fmt, ...)
{
	const size_t size = sizeof(test->results->reason);
	char reason[sizeof(test->results->reason)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, size, fmt, args);
	va_end(args);
	/* If a failed check called SKIP(), end its handler. */
	test->trigger = 0;
	if (test->exit_code != KSFT_PASS) {
		fprintf(TH_LOG_STREAM, "# not skipped, as the test has a result: %s\n", reason);
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

/* XFAIL_ADD() takes any failure of the test, also a crash, for the known one: see VERDICT_END(). */
#undef XFAIL_ADD
#define XFAIL_ADD(...) static_assert(0, "XFAIL_ADD() hides failures")

/* Returns whether the command line selects any test. */
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
 * Adds ERRPATH_SECONDS, which some tests run that otherwise take ten seconds, to the time limits
 * of the tests, and multiplies them by ERRPATH_SLOW, for kernels with debug options that make
 * them slow.
 */
static inline void harness_stretch_limits(void)
{
	const int times = atoi(getenv("ERRPATH_SLOW") ?: "1");
	const int more = 2 * atoi(getenv("ERRPATH_SECONDS") ?: "0");
	const struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next) {
		for (t = f->tests; t; t = t->next)
			t->timeout = (t->timeout + more) * times;
	}
}

/* A program whose tests count in pages of one size defines this before. 0: any size. */
#ifndef HARNESS_PAGE_SIZE
#define HARNESS_PAGE_SIZE 0
#endif

/* Runs the selected tests. Fails if no test is selected, where the harness would pass. */
static inline int harness_run(int argc, char **argv)
{
	int result = test_harness_argv_check(argc, argv);

	if (result != KSFT_PASS)
		return result;
	if (!harness_selects(argc, argv)) {
		fprintf(stderr, "# no test has this name; -l lists all names\n");
		return KSFT_FAIL;
	}
	if (HARNESS_PAGE_SIZE && getpagesize() != HARNESS_PAGE_SIZE) {
		ksft_print_header();
		ksft_exit_skip("the tests count in pages of %d bytes; here they have %d\n",
			       HARNESS_PAGE_SIZE, getpagesize());
	}
	harness_stretch_limits();
	return test_harness_run(argc, argv);
}

/* TEST_HARNESS_MAIN calls test_harness_run(). */
#define test_harness_run harness_run

#endif
