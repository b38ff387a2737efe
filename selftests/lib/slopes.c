// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"
#include "counters.h"
#include "gauges.h"
#include "slopes.h"

/*
 * How often objects that seem lost are counted again, after pauses that grow to more than five
 * seconds in all, which kfree_rcu() may take.
 */
#define PATIENCE 12
#define PAUSE_US 80000

enum { CLEAN, FAILING, KINDS };

static struct counters now;

static struct watched {
	char name[sizeof(now.at[0].name)];
	int shrink;		/* descriptor */
	long value;		/* when last read */
	long hidden;		/* change of a round that is noise */
	double growth[KINDS][SLOPES_ROUNDS];
} watched[1024];
static int nr_watched;

static double growth_each(const struct watched *w, int times)
{
	return (double)(counters_value(&now, w->name) - w->value) / times;
}

/* Turns growth into the direction of a leak: fewer free pages, more objects. */
static double growth_leaked(const char *name, double growth)
{
	if (!strcmp(name, COUNTERS_PAGES))
		return -growth;
	return strncmp(name, "vmstat.", 7) ? growth : fabs(growth);
}

/* Opens the file again if the cache was destroyed and another one has its name. */
static void shrink_watched(struct watched *w)
{
	if (w->shrink < 0 || !counters_shrink_by(w->shrink))
		return;
	close(w->shrink);
	w->shrink = counters_open_shrink(w->name);
	if (w->shrink >= 0)
		counters_shrink_by(w->shrink);
}

static void shrink_all(void)
{
	for (int i = 0; i < nr_watched; i++)
		shrink_watched(&watched[i]);
}

/*
 * The free objects that CPUs keep of a cache count as used, up to 120 of a small cache on each
 * CPU (set_cpu_partial() in mm/slub.c). Shrinking takes them away; the next allocation would
 * bring some back, so no file is opened between shrinking and reading: 25 readings of
 * kmalloc-96 then differ by 1, otherwise by 126 (6.12).
 */
static int settle_and_read_again(void)
{
	counters_settle();
	shrink_all();
	return counters_read(&now);
}

/*
 * Shrinks before settling, too: the objects that kfree_rcu() gathers on a CPU, 60 of a small
 * cache, are given to RCU by shrinking (pcs_flush_all() in mm/slub.c, 7.3), and settling waits
 * for RCU.
 */
static int settle_and_read(void)
{
	shrink_all();
	return settle_and_read_again();
}

/* Counts the counters that seem to leak. */
static int count_suspects(int times)
{
	int n = 0;

	for (int i = 0; i < nr_watched; i++) {
		const struct watched *w = &watched[i];
		double lost = growth_leaked(w->name, growth_each(w, times)) * times;

		n += lost >= fmax(times * SLOPE_BOUND, w->hidden) / 2;
	}
	return n;
}

static int settle_until_back(int times)
{
	int err = settle_and_read();

	for (int i = 0; i < PATIENCE && !err && count_suspects(times); i++) {
		usleep(i * PAUSE_US);
		err = settle_and_read_again();
	}
	return err;
}

int slopes_prepare(void)
{
	int err = counters_read(&now);

	while (nr_watched) {
		if (watched[--nr_watched].shrink >= 0)
			close(watched[nr_watched].shrink);
	}
	for (int i = 0; i < now.nr && !err; i++) {
		const struct counter *k = &now.at[i];
		struct watched *w = &watched[nr_watched];

		if (!gauge_has_slope(k->name))
			continue;
		if (++nr_watched == ARRAY_SIZE(watched))
			return -ENOSPC;
		snprintf(w->name, sizeof(w->name), "%s", k->name);
		w->shrink = counters_open_shrink(w->name);
		w->hidden = counter_round_noise(k);
	}
	for (int i = 0; i < PATIENCE && !err; i++)
		counters_settle();
	return err ?: settle_and_read();
}

int slopes_warm_up(const struct slopes_operation *op, int times)
{
	int err = slopes_prepare();

	for (int i = 0; i < times && !err; i++)
		err = op->clean(op->arg) ?: op->failing(op->arg);
	return err;
}

static int read_first_values(void)
{
	int err = settle_and_read();

	for (int i = 0; i < nr_watched && !err; i++)
		watched[i].value = counters_value(&now, watched[i].name);
	return err;
}

static int run_block(int (*operation)(void *arg), void *arg, int times,
		     int kind, int round)
{
	int err = 0;

	for (int i = 0; i < times && !err; i++)
		err = operation(arg);
	if (!err)
		err = settle_until_back(times);
	for (int i = 0; i < nr_watched && !err; i++) {
		watched[i].growth[kind][round] = growth_each(&watched[i], times);
		watched[i].value = counters_value(&now, watched[i].name);
	}
	return err;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[n / 2];
}

/*
 * Returns the loss of a failing operation beyond that of a clean one, which counts only above
 * the noise. A gain of clean operations does not count: they gave back what was held back.
 */
static double loss_beyond_clean(const struct watched *w, const struct slope *s, int nr_clean)
{
	double clean = fmax(0, growth_leaked(s->name, s->clean) - (double)w->hidden / nr_clean);

	return copysign(fmax(0, growth_leaked(s->name, s->failing) - clean), s->failing);
}

static bool is_leak(const struct watched *w, const struct slope *s,
		    const struct slopes_operation *op)
{
	double lost = growth_leaked(s->name, s->lost);

	return lost >= SLOPE_BOUND &&
	       lost * op->rounds * op->nr_failing >= w->hidden;
}

static void collect_leaks(struct slopes *s, const struct slopes_operation *op)
{
	const int max = ARRAY_SIZE(s->out);

	s->nr = 0;
	for (int i = 0; i < nr_watched && s->nr < max; i++) {
		struct watched *w = &watched[i];
		struct slope slope = {
			.name = w->name,
			.clean = median(w->growth[CLEAN], op->rounds),
			.failing = median(w->growth[FAILING], op->rounds),
		};

		slope.lost = loss_beyond_clean(w, &slope, op->nr_clean);
		if (is_leak(w, &slope, op))
			s->out[s->nr++] = slope;
	}
}

int slopes_measure(const struct slopes_operation *op, struct slopes *s)
{
	int err = read_first_values();

	for (int round = 0; round < op->rounds && !err; round++) {
		err = run_block(op->clean, op->arg, op->nr_clean, CLEAN, round);
		if (!err)
			err = run_block(op->failing, op->arg, op->nr_failing, FAILING, round);
	}
	if (!err)
		collect_leaks(s, op);
	return err;
}
