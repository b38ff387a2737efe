#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kselftest_harness.h: SKIP() and XFAIL_ADD() make failures of other kinds disappear.
#
# Version: linux-source-6.12 6.12.117-1~deb12u1.
# Seen: a test whose EXPECT_EQ() failed and that calls SKIP() later, for instance because a second
#   part is not supported, is "ok # SKIP". A test marked by XFAIL_ADD() is "ok # XFAIL" also when a
#   signal killed it or its time limit expired. The program exits with 0.
# Expected: a failed check stays a failure. A crash or a hang is not the failure that a mark of an
#   expected failure was made for.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

fetch_kernel_source tools/testing/selftests/kselftest{,_harness}.h
cat > program.c <<'C'
#include <signal.h>
#include "kselftest_harness.h"

TEST(check_fails_then_skip)
{
	EXPECT_EQ(1, 2);
	SKIP(return, "second part is not supported");
}

FIXTURE(known) { int unused; };
FIXTURE_VARIANT(known) { int unused; };
FIXTURE_VARIANT_ADD(known, bug) { };
FIXTURE_SETUP(known) { }
FIXTURE_TEARDOWN(known) { }

TEST_F(known, check_fails) { EXPECT_EQ(1, 2); }
TEST_F(known, signal) { raise(SIGSEGV); }
TEST_F_TIMEOUT(known, time_limit, 1) { pause(); }
XFAIL_ADD(known, bug, check_fails);
XFAIL_ADD(known, bug, signal);
XFAIL_ADD(known, bug, time_limit);

TEST_HARNESS_MAIN
C
cc -D_GNU_SOURCE -Ilinux/tools/testing/selftests program.c -o program

status=0
./program > log 2> details || status=$?
{
	grep -E '^(not )?ok' log
	grep -oE 'Expected 1 .*|terminated .*' details
	echo "exit $status"
} | expect \
	"ok 1 global.check_fails_then_skip # SKIP second part is not supported" \
	"ok 2 known.bug.check_fails # XFAIL unknown" \
	"ok 3 known.bug.signal # XFAIL unknown" \
	"ok 4 known.bug.time_limit # XFAIL unknown" \
	"Expected 1 (1) == 2 (2)" \
	"Expected 1 (1) == 2 (2)" \
	"terminated unexpectedly by signal 11" \
	"terminated by timeout" \
	"exit 0"
