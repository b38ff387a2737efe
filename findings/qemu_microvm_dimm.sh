#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# QEMU's machine microvm takes a pc-dimm and its slots, and maps the memory nowhere.
#
# Version: qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3.
# Seen: with -m 512M,slots=2,maxmem=2G and a DIMM of 256M QEMU starts without a message. The monitor
#   lists the DIMM at address 0, where the machine's own RAM is, and counts it as plugged memory;
#   the memory map does not have it. The machine q35 maps it at 4G.
# Expected: an error at start, as microvm has no memory hotplug. Instead the guest lacks memory that
#   its manager counts, and tests of memory hotplug look for the fault in the kernel.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

fetch_qemu
for machine in microvm q35; do
	printf '%s\n' "info memory-devices" "info memory_size_summary" "info mtree -f" quit |
		qemu_monitor -machine $machine -m 512M,slots=2,maxmem=2G \
			-object memory-backend-ram,id=backend,size=256M \
			-device pc-dimm,id=dimm,memdev=backend > monitor 2> errors
	echo "$machine: $(sed -En 's/^ *(addr|plugged memory): /\1 /p' monitor | paste -sd,)," \
		"mapped at: $(sed -n 's/^ *\(0[0-9a-f]*\)-.*ram): backend$/\1/p' monitor | sort -u)," \
		"$(wc -l < errors) lines of errors" >> results
done
expect < results \
	"microvm: addr 0x0,plugged memory 268435456, mapped at: , 0 lines of errors" \
	"q35: addr 0x100000000,plugged memory 268435456, mapped at: 0000000100000000, 0 lines of errors"
