#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Saving a guest by migration allocates its whole memory file, in the source and the destination.
#
# Version: qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3.
# Seen: a guest of 256M that has not run yet, its memory a file on tmpfs with share=on, has next to
#   nothing allocated. After a migration to a file of less than 1M, the source's memory file is
#   allocated in full: QEMU reads each page to find out that it is zero, and reading a hole of a
#   mapped file on tmpfs fills it, with share=off too. A QEMU that restores from the file allocates
#   all of its memory, too: it reads each page that is announced as zero to see whether it must be
#   cleared.
# Expected: memory that the guest never touched stays unallocated in both. Sizes of hosts that rely
#   on sparse guests are wrong as soon as one of them was saved; and a measurement of the
#   destination's memory must not take the source's for what the guest uses.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

fetch_qemu
memory=$(mktemp -d /dev/shm/finding.XXXXXX)
trap 'rm -rf "$work" "$memory"' EXIT

# Give QEMU a command, then ask its monitor for information until that has a regular expression, and
# record how much of its memory is allocated then. CASE COMMAND INFORMATION EXPRESSION [OPTION]...
# shellcheck disable=SC2094 # monitor is read while it grows
allocated() {
	local name=$1 command=$2 information=$3 reached=$4 second

	shift 4
	rm -f "$memory/file"
	: > monitor
	for ((second = 0; second < 60; second++)); do
		echo "$command"
		sleep 1
		grep -q "$reached" monitor && break
		command=$information
	done | {
		cat
		echo "$name: $(($(stat -c %b "$memory/file") / 2048))M of 256M" >> results
		echo quit
	} | qemu_monitor -machine q35,memory-backend=memory -m 256M \
		-object "memory-backend-file,id=memory,size=256M,share=on,mem-path=$memory/file" \
		"$@" > monitor
	grep -q "$reached" monitor || cannot_run "$name: $(cat monitor)"
}

allocated "not migrated" "" "info status" "VM status"
allocated "source" 'migrate "exec:cat > state"' "info migrate" "Migration status: completed"
allocated "destination" "" "info status" "VM status: paused (prelaunch)" -incoming "exec:cat state"
echo "state: below $(($(stat -c %s state) / 1048576 + 1))M" >> results
expect < results \
	"not migrated: 0M of 256M" \
	"source: 256M of 256M" \
	"destination: 256M of 256M" \
	"state: below 1M"
