#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A kprobe event on vmlinux:FUNCTION, or on a module that does not exist, can be made and enabled,
# and never fires.
#
# Version: linux-image-6.12.117+deb12-cloud-amd64 6.12.117-1~deb12u1.
# Seen: kprobe_events takes any name before the colon for a module that will be loaded later, even
#   vmlinux, and then does not check the function's name: writing it and enabling the event succeed,
#   the event stays at 0 hits and 0 misses, and no kprobe is registered. Only a line in the kernel
#   log says so. Without the prefix the same function is probed, and an unknown one is refused.
# Expected: vmlinux is the kernel itself, as in bpftrace, or it is refused, as set_ftrace_filter
#   does. A user who writes it to say which of several functions of one name to probe, or who
#   misspells a module, concludes that the function is never called.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119 # no files
guest > seen <<'GUEST'
cd /sys/kernel/tracing
for name in vfs_read nosuch vmlinux:vfs_read vmlinux:nosuch nosuch:vfs_read; do
	if ! echo "p:event $name" 2> /dev/null > kprobe_events; then
		echo "$name: refused"
		continue
	fi
	echo 1 > events/kprobes/event/enable || echo "$name: not enabled"
	cat /proc/version > /dev/null
	hits=$(awk '{ print ($2 > 0 ? "hits" : "no hits") ", " $3 " misses" }' kprobe_profile)
	echo "$name: $hits, $(wc -l < /sys/kernel/debug/kprobes/list) kprobes"
	echo 0 > events/kprobes/event/enable
	echo > kprobe_events
done
echo vmlinux:vfs_read 2> /dev/null > set_ftrace_filter || echo "set_ftrace_filter: refused"
GUEST
expect < seen \
	"vfs_read: hits, 0 misses, 1 kprobes" \
	"nosuch: refused" \
	"vmlinux:vfs_read: no hits, 0 misses, 0 kprobes" \
	"vmlinux:nosuch: no hits, 0 misses, 0 kprobes" \
	"nosuch:vfs_read: no hits, 0 misses, 0 kprobes" \
	"set_ftrace_filter: refused"
