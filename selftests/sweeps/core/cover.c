// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/kcov.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "cover.h"

#define FILE_NAME "/sys/kernel/debug/kcov"
#define WORDS (256 * 1024)	/* of the record: a number, and as many addresses at most */

static unsigned long *record;	/* shared with the processes that run the operation */
static int kcov = -1;

int cover_open(void)
{
	kcov = open(FILE_NAME, O_RDWR | O_CLOEXEC);
	if (kcov < 0)
		return -errno;
	if (ioctl(kcov, KCOV_INIT_TRACE, WORDS))
		return -errno;
	record = mmap(NULL, WORDS * sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED, kcov, 0);
	return record == MAP_FAILED ? -errno : 0;
}

void cover_begin(void)
{
	if (kcov < 0)
		return;
	record[0] = 0;
	ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC);
}

void cover_end(void)
{
	if (kcov >= 0)
		ioctl(kcov, KCOV_DISABLE, 0);
}

/* Returns where @address is in @c, or where it would be. */
static int cover_find(const struct cover *c, unsigned long address)
{
	int low = 0, high = c->nr;

	while (low < high) {
		int middle = (low + high) / 2;

		if (c->at[middle] < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Without qsort(), which takes memory, and in twins of different size. */
int cover_add(struct cover *c)
{
	unsigned long n = record[0];

	if (n >= WORDS - 1)
		return -ENOSPC;
	for (unsigned long i = 1; i <= n; i++) {
		int at = cover_find(c, record[i]);

		if (at < c->nr && c->at[at] == record[i])
			continue;
		if (c->nr == COVER_MAX)
			return -ENOSPC;
		memmove(&c->at[at + 1], &c->at[at], (c->nr++ - at) * sizeof(c->at[0]));
		c->at[at] = record[i];
	}
	return 0;
}
