#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kselftest_harness.h: a selection of tests that selects none succeeds, and options widen it.
#
# Version: linux-source-6.12 6.12.117-1~deb12u1.
# Seen: a name that no test has, or a test's name without the "global." in front of it that the
#   results show (-r wants it, -t does not), gives the plan 1..0 and exit status 0.
#   -f FIXTURE -v VARIANT runs all variants of the fixture: a test is run as soon as one option
#   includes it. The inner test can only be had by excluding the other variants.
# Expected: an error for a name that does not exist, as run_kselftest.sh gives; different kinds of
#   options narrow the selection down. A script that runs a test by its name goes on passing after
#   the test was renamed.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

fetch_kernel_source tools/testing/selftests/kselftest{,_harness}.h
cat > program.c <<'C'
#include "kselftest_harness.h"

TEST(alone) { }

FIXTURE(page) { int unused; };
FIXTURE_VARIANT(page) { int size; };
FIXTURE_VARIANT_ADD(page, small) { .size = 1 };
FIXTURE_VARIANT_ADD(page, large) { .size = 2 };
FIXTURE_SETUP(page) { }
FIXTURE_TEARDOWN(page) { }
TEST_F(page, read) { }

TEST_HARNESS_MAIN
C
cc -D_GNU_SOURCE -Ilinux/tools/testing/selftests program.c -o program

# What runs with the options, the plan first, on one line.
results() {
	local status=0

	./program "$@" > log 2>&1 || status=$?
	echo "$*: $(sed -En 's/^(1\.\.[0-9]+)$/\1/p; s/^(not )?ok [0-9]+ (.*)/\1\2/p' log |
		paste -sd' '), exit $status"
}

{
	results -r nosuch
	results -t nosuch
	results -r alone
	results -t alone
	results -r global.alone
	results -f page -v small
	results -V large -f page
} | expect \
	"-r nosuch: 1..0, exit 0" \
	"-t nosuch: 1..0, exit 0" \
	"-r alone: 1..0, exit 0" \
	"-t alone: 1..1 global.alone, exit 0" \
	"-r global.alone: 1..1 global.alone, exit 0" \
	"-f page -v small: 1..2 page.small.read page.large.read, exit 0" \
	"-V large -f page: 1..1 page.small.read, exit 0"
