/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HARNESS_PARTS_H
#define LIB_HARNESS_PARTS_H

/*
 * For a program with tests in several source files; one of them has TEST_HARNESS_MAIN.
 * kselftest_harness.h defines these symbols in each file that includes it. Being weak,
 * the linker keeps one of each, so that the tests of all files register on the same list.
 */
#pragma weak _fixture_global
#pragma weak __active_test
#pragma weak __wait_for_test
#pragma weak __run_test

#include "lib/harness.h"

#endif
