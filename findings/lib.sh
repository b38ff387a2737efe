# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the findings: a temporary folder, pinned packages in it, and guests of a stock kernel.

set -eu -o pipefail
export LC_ALL=C

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir debs root

KERNEL=6.12.117
QEMU=1:7.2+dfsg-7+deb12u18+b3

cannot_run() {
	echo "$(basename "$0"): cannot run: $*" >&2
	exit 2
}

# Unpack exact versions, given as PACKAGE=VERSION, below root/.
fetch() {
	local deb

	(cd debs && apt-get -qq -o APT::Sandbox::User=root download "$@") ||
		cannot_run "apt's archives do not have $*"
	for deb in debs/*.deb; do
		dpkg -x "$deb" root
		rm "$deb"
	done
}

# Unpack files of the kernel's source, given by their paths there, below linux/.
fetch_kernel_source() {
	fetch "linux-source-6.12=$KERNEL-1~deb12u1"
	mkdir linux
	xz -dcT0 root/usr/src/linux-source-6.12.tar.xz |
		tar -x -C linux --strip-components=1 "${@/#/linux-source-6.12/}"
	rm root/usr/src/linux-source-6.12.tar.xz
}

fetch_qemu() {
	fetch qemu-system-{x86,common}="$QEMU" "qemu-system-data=${QEMU%+b*}" seabios=1.16.2-1
	export QEMU_MODULE_DIR=root/usr/lib/x86_64-linux-gnu/qemu
}

# Run the fetched QEMU without guest software; it takes monitor commands from standard input.
qemu_monitor() {
	timeout 120 root/usr/bin/qemu-system-x86_64 -L root/usr/share/qemu -L root/usr/share/seabios \
		-nodefaults -no-user-config -display none -accel tcg -S -monitor stdio "$@" |
		sed -u 's/\r//'
}

# Run the shell script on standard input in a guest of the stock kernel that has busybox and, in /,
# the files given as words; write the script's output.
guest() {
	local image="linux-image-$KERNEL+deb12-cloud-amd64"

	fetch "$image=$KERNEL-1~deb12u1" busybox-static=1:1.35.0-4+deb12u1+b1
	mkdir -p initrd/bin initrd/dev initrd/proc initrd/sys initrd/tmp
	cp root/bin/busybox initrd/bin
	[ $# = 0 ] || cp "$@" initrd
	cat > initrd/script
	cat > initrd/init <<-'INIT'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		mount -t devtmpfs none /dev
		mount -t proc none /proc
		mount -t sysfs none /sys
		mount -t debugfs none /sys/kernel/debug
		mount -t tracefs none /sys/kernel/tracing
		mount -t tmpfs none /tmp
		sh /script > /dev/ttyS1 2>&1
		echo end > /dev/ttyS1
		poweroff -f
	INIT
	chmod +x initrd/init
	(cd initrd && find . | cpio -o -H newc --quiet) > initrd.cpio
	timeout 120 qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none \
		-machine q35 -accel tcg,thread=single -cpu qemu64 -smp 1 -m 1G \
		-serial file:console -serial file:output -kernel root/boot/vmlinuz-* -initrd initrd.cpio \
		-append "console=ttyS0 quiet panic=-1 oops=panic no_timer_check" || true
	tr -d '\r' < output > lines
	[ "$(tail -n 1 lines)" = end ] || cannot_run "the guest was lost: $(tail -n 5 console lines)"
	head -n -1 lines
}

# Compare standard input, what was seen, with the words, what the finding describes, one a line.
expect() {
	diff <(printf '%s\n' "$@") - > difference && return
	echo "$(basename "$0"): not as described (< described, > seen):"
	cat difference
	exit 1
}
