/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_KEPT_H
#define SWEEPS_KEPT_H

/* Memory that a line of the kernel's source has allocated and nothing has freed. */
struct kept {
	char where[120];	/* FILE:LINE FUNCTION */
	long bytes;
	long calls;
};

/*
 * Which lines of the source allocated what failures lose, by /proc/allocinfo of kernels
 * with CONFIG_MEM_ALLOC_PROFILING.
 *
 * kept_open() takes all memory that this needs, and returns 0 or -errno: -ENOENT without such a
 * kernel. kept_measure() runs @clean and then @failing @times each, and returns how many lines it
 * wrote to @out, at most @max, or -errno: those that kept at least one allocation of each failure,
 * with bytes and calls for each.
 */
int kept_open(void);
int kept_measure(int (*clean)(void *arg), int (*failing)(void *arg), void *arg, int times,
		 struct kept *out, int max);

#endif
