#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ktap_helpers.sh: ktap_test_result() splits its command's arguments again, so a test can pass that
# should fail.
#
# Version: linux-source-6.12 6.12.117-1~deb12u1.
# Seen: `ktap_test_result NAME COMMAND "two words"` runs COMMAND with two arguments, as the function
#   uses $@ without quotes. grep for "memory leak" looks for "memory", in the files "leak" and LOG,
#   and finds it in a log that has no leak; sh -c "exit 1" runs "exit". Both results are "ok".
#   selftests/power_supply passes values of sysfs to grep in this way.
# Expected: the command runs with the arguments that were given, and both tests fail.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

fetch_kernel_source tools/testing/selftests/kselftest/ktap_helpers.sh
cat > test.sh <<'TEST'
. linux/tools/testing/selftests/kselftest/ktap_helpers.sh
echo "20 kB of memory free" > log
ktap_print_header
ktap_set_plan 2
ktap_test_result leak_is_logged grep -qs "memory leak" log
ktap_test_result command_succeeds sh -c "exit 1"
ktap_finished
TEST

for shell in sh bash; do
	status=0
	$shell test.sh > log.$shell || status=$?
	{
		grep ok log.$shell
		echo "exit $status"
	} | sed 's/ *$//' | expect "ok 1 leak_is_logged" "ok 2 command_succeeds" "exit 0"
done
