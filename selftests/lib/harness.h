/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HARNESS_H
#define LIB_HARNESS_H

#include <stdlib.h>

#include "kselftest_harness.h"

/*
 * The kselftest harness, whose time limits are meant for a common kernel: one that
 * checks itself as it goes takes ERRPATH_SLOW times as long.
 */
static inline int run_stretched(int argc, char **argv)
{
	int times = atoi(getenv("ERRPATH_SLOW") ?: "1");
	const struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next) {
		for (t = f->tests; t; t = t->next)
			t->timeout *= times;
	}
	return test_harness_run(argc, argv);
}

/* What TEST_HARNESS_MAIN calls. */
#define test_harness_run run_stretched

#endif
