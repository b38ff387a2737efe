#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# x-ignore-shared: a guest with shared memory in a PCI BAR is saved, but cannot be restored.
#
# Version: qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3, -machine q35, ivshmem-plain with master=on and a
#   memory-backend-file with share=on. SeaBIOS 1.16.2 maps the BAR; there is no other guest software.
# Seen: with the capability x-ignore-shared the migration to a file completes. A QEMU with the same
#   options and the capability refuses the file: "Mismatched GPAs for block": the stream has the
#   address at which the BAR was mapped, and where the stream is loaded it is not mapped yet. With
#   share=off for the BAR's memory, and the RAM still shared, the guest is restored.
# Expected: the address of a BAR is part of the device's state, which comes later in the stream; the
#   guest is restored, or the migration fails where it is started.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

fetch_qemu
truncate -s 64M ram
truncate -s 1M box

# Run the fetched QEMU with the BAR's memory shared or not: on, or off.
machine() {
	qemu_monitor -machine q35,memory-backend=ram -m 64M \
		-object memory-backend-file,id=ram,size=64M,mem-path=ram,share=on \
		-object memory-backend-file,id=box,size=1M,mem-path=box,share="$1" \
		-device ivshmem-plain,memdev=box,master=on "${@:2}" 2>&1
}

save() {
	{
		echo cont
		sleep 5		# SeaBIOS maps the BARs
		echo stop
		echo "migrate_set_capability x-ignore-shared on"
		echo "migrate exec:cat>state"
		echo "info migrate"
		sleep 1
		echo quit
	} | machine "$1" | grep -o "Migration status: completed" || true
}

restore() {
	{
		echo "migrate_set_capability x-ignore-shared on"
		echo "migrate_incoming exec:cat<state"
		sleep 3
		echo "info status"
		sleep 1
		echo quit
	} | machine "$1" -incoming defer | grep -oE "Mismatched GPAs|VM status: paused$" || true
}

for share in on off; do
	echo "share=$share, saved: $(save $share)"
	echo "share=$share, restored: $(restore $share)"
done | tee seen
expect "share=on, saved: Migration status: completed" "share=on, restored: Mismatched GPAs" \
	"share=off, saved: Migration status: completed" "share=off, restored: VM status: paused" < seen
