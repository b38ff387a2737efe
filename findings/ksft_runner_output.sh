#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run_kselftest.sh > FILE: most of the tests' own output is not in FILE.
#
# Version: linux-source-6.12 6.12.117-1~deb12u1.
# Seen: of three tests that write one line each, FILE has none in full; a pipe and >> FILE get all
#   three. The runner opens /dev/stdout again to append the tests' output, but writes its own lines
#   to the standard output it was started with, whose offset has not moved: these overwrite the
#   tests' output. FILE has all results, so nothing looks wrong until the reason of a failure is
#   looked for. The exit status is 0 although a test failed.
# Expected: what a pipe gets; and an exit status that says that a test failed.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

fetch_kernel_source tools/testing/selftests/{run_kselftest.sh,kselftest/{runner.sh,prefix.pl}}
cd linux/tools/testing/selftests
mkdir demo
for test in first second third; do
	cat > demo/$test.sh <<-TEST
		#!/bin/sh
		echo "The $test test says on this line what it found."
		[ $test != second ]
	TEST
	echo demo:$test.sh >> kselftest-list.txt
done
chmod +x demo/*.sh

lines() {
	echo "$1: $(grep -c 'test says' "$1") of the tests, $(grep -cE '^(not )?ok' "$1") results"
}

sh run_kselftest.sh | cat > pipe
status=0
sh run_kselftest.sh > file || status=$?
sh run_kselftest.sh >> appended
{
	lines pipe
	lines file
	lines appended
	grep '^not ok' file
	echo "exit $status"
} | expect \
	"pipe: 3 of the tests, 3 results" \
	"file: 0 of the tests, 3 results" \
	"appended: 3 of the tests, 3 results" \
	"not ok 2 selftests: demo: second.sh # exit=1" \
	"exit 0"
