#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# insb() and outsb() of glibc do not tell the compiler that they access memory.
#
# Version: libc6-dev 2.36-9+deb12u14 (sys/io.h), with gcc 12 of Debian 12, -O2.
# Seen: insb() fills a buffer, but the compiler goes on with the content from before: a comparison
#   behind it is decided at build time. Of a buffer that is filled and passed to outsb(), the
#   content is never stored. The inline assembly of both has the address as an operand, but neither
#   the buffer nor "memory". The same holds for insw(), insl(), outsw() and outsl().
# Expected: the compiler reads the buffer after insb(), and stores it before outsb(), as it does
#   with a "memory" clobber. Without -O2 it does.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

fetch libc6-dev=2.36-9+deb12u14
cat > ports.c <<'C'
#include <sys/io.h>
#ifdef BARRIER
#define barrier() __asm__ volatile("" : : : "memory")
#else
#define barrier()
#endif

void changed(void);

void receive(void)
{
	char buffer[1] = { 1 };

	insb(0x80, buffer, 1);
	barrier();
	if (buffer[0] != 1)
		changed();
}

void send(void)
{
	char buffer[1];

	buffer[0] = 77;
	barrier();
	outsb(0x80, buffer, 1);
}
C

# How many calls of changed(), and how many stores of 77, are in the program.
count() {
	cc -isystem root/usr/include -isystem root/usr/include/x86_64-linux-gnu "$@" -S -o ports.s ports.c
	echo "$*: $(grep -c 'changed' ports.s) $(grep -c '[$]77' ports.s)"
}

{
	count -O0
	count -O2
	count -O2 -DBARRIER
} | expect "-O0: 1 1" "-O2: 0 0" "-O2 -DBARRIER: 1 1"
echo "insb() and outsb(): the compiler overlooks the access"
