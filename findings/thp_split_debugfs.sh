#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writing PID,START,END to split_huge_pages in debugfs succeeds whether or not a page was split.
#
# Version: linux-image-6.12.117+deb12-cloud-amd64 6.12.117-1~deb12u1.
# Seen: write() succeeds for a range without huge pages, for a huge page that is pinned (vmsplice()
#   to a pipe), and for the orders 1 and 20, to which an anonymous page is never split. None of
#   these moves thp_split_page or thp_split_page_failed; pr_debug() has the number of split pages.
# Expected: an errno when nothing was split, or thp_split_page_failed +1 for the pinned page. A test
#   must look at the page tables (AnonHugePages, pagemap) to know that its split took place.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

cat > split.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#define SIZE	(2UL << 20)

static long number(const char *file, const char *name)
{
	char word[128];
	long value = 0;
	FILE *f = fopen(file, "r");

	while (fscanf(f, "%127s %ld", word, &value) > 0 && strcmp(word, name))
		;
	fclose(f);
	return value;
}

static void split(const char *what, char *start, const char *order)
{
	long done = number("/proc/vmstat", "thp_split_page");
	long failed = number("/proc/vmstat", "thp_split_page_failed");
	int fd = open("/sys/kernel/debug/split_huge_pages", O_WRONLY);
	int size = dprintf(fd, "%d,0x%lx,0x%lx%s", getpid(), (long)start, (long)(start + SIZE), order);

	printf("%s: %s, split %ld, failed %ld, huge %ld kB\n", what, size > 0 ? "success" : "error",
	       number("/proc/vmstat", "thp_split_page") - done,
	       number("/proc/vmstat", "thp_split_page_failed") - failed,
	       number("/proc/self/smaps_rollup", "AnonHugePages:"));
}

int main(void)
{
	char *p = mmap(NULL, 4 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec first;
	int ends[2];

	p += -(unsigned long)p % SIZE;
	madvise(p, 2 * SIZE, MADV_HUGEPAGE);
	memset(p, 1, 2 * SIZE);
	first = (struct iovec){ p, 4096 };
	split("no huge page", p + 2 * SIZE, "");
	split("order 1", p, ",1");
	split("order 20", p, ",20");
	pipe(ends);
	vmsplice(ends[1], &first, 1, 0);
	split("pinned", p, "");
	split("not pinned", p + SIZE, "");
	return 0;
}
C
cc -O2 -static -w split.c -o split
guest split > seen <<< /split
expect < seen \
	"no huge page: success, split 0, failed 0, huge 4096 kB" \
	"order 1: success, split 0, failed 0, huge 4096 kB" \
	"order 20: success, split 0, failed 0, huge 4096 kB" \
	"pinned: success, split 0, failed 0, huge 4096 kB" \
	"not pinned: success, split 1, failed 0, huge 2048 kB"
