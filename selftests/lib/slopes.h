/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_SLOPES_H
#define LIB_SLOPES_H

/*
 * Leaks of half a page or object per failure are told, if they add up to more
 * than half of a counter's noise, which for slabs is what the CPUs can hide: a
 * thousand failures show one object each of 16 bytes or more.
 */
#define SLOPE_BOUND 0.5

/* One operation; 0 or -errno, which ends the measurement. */
struct slopes_operation {
	int (*clean)(void *arg);
	int (*failing)(void *arg);
	void *arg;
	int rounds;		/* odd, at most SLOPES_ROUNDS */
	int nr_clean;		/* in each round, then */
	int nr_failing;
};

#define SLOPES_ROUNDS 5

struct slope {
	const char *name;
	double clean;		/* growth per operation */
	double failing;
	double lost;		/* of that, what clean ones do not lose too */
};

struct slopes {
	int nr;
	struct slope out[16];
};

/*
 * Finds leaks too small for the noise of one operation: runs clean and failing
 * ones by turns, and takes how each counter of pages and slab objects grew per
 * operation in the median round. Told are those where failures lose something
 * that clean operations, but for the noise, do not. The caches must have been
 * shrunk before anything else is compared: call slopes_prepare() first.
 */
int slopes_prepare(void);
/* And then some of both: what shrunk caches take again is no leak. */
int slopes_warm_up(const struct slopes_operation *op, int times);
int slopes_measure(const struct slopes_operation *op, struct slopes *s);

#endif
