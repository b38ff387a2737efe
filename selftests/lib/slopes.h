/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_SLOPES_H
#define LIB_SLOPES_H

/*
 * Leaks of half a page or object per failure are reported, if they add up to more than half of
 * a counter's noise, which for slabs is the number of objects that the CPUs can hide: a
 * thousand failures show the loss of one object each, of 16 bytes or more.
 */
#define SLOPE_BOUND 0.5

/* An operation. Its functions return 0, or -errno, which ends the measurement. */
struct slopes_operation {
	int (*clean)(void *arg);
	int (*failing)(void *arg);
	void *arg;
	int rounds;		/* odd, at most SLOPES_ROUNDS */
	int nr_clean;		/* in each round */
	int nr_failing;		/* after them */
};

#define SLOPES_ROUNDS 5

struct slope {
	const char *name;
	double clean;		/* growth per operation */
	double failing;
	double lost;		/* by failing operations beyond clean ones */
};

struct slopes {
	int nr;
	struct slope out[16];
};

/*
 * Finds leaks too small for the noise of one operation: slopes_measure() runs clean and failing
 * operations in turn, and takes how each counter of pages and slab objects grew per operation
 * in the median round. It reports the counters that failures lose from and clean operations,
 * apart from the noise, do not. All return 0 or -errno.
 */

/* Shrinks the caches. Call it before anything is compared. */
int slopes_prepare(void);
/* Does the same, and runs some operations: objects that shrunk caches take again are no leak. */
int slopes_warm_up(const struct slopes_operation *op, int times);
int slopes_measure(const struct slopes_operation *op, struct slopes *s);

#endif
