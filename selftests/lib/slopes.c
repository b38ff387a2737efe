// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fnmatch.h>
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
 * Times to look again whether what seems to leak comes back, after pauses that
 * grow to more than five seconds in all, as kfree_rcu() may take.
 */
#define PATIENCE 12
#define PAUSE_US 80000

enum { CLEAN, FAILING, KINDS };

static struct counters now;

static struct watched {
	char name[sizeof(now.at[0].name)];
	int shrink;		/* descriptor */
	long value;		/* when last read */
	long hidden;		/* so much comes or goes unseen in a round */
	double growth[KINDS][SLOPES_ROUNDS];
} watched[1024];
static int nr_watched;

static bool counts_what_leaks(const char *name)
{
	static const char * const patterns[] = {
		COUNTERS_PAGES, "slab.*", "vmalloc.*", "vmstat.nr_memmap*",
	};

	if (gauge_bound(name) == GAUGE_IGNORED)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		if (!fnmatch(patterns[i], name, 0))
			return true;
	}
	return false;
}

static double grown(const struct watched *w, int times)
{
	return (double)(counters_value(&now, w->name) - w->value) / times;
}

/* Growth in the direction of a leak: fewer free pages, more objects. */
static double leaked(const char *name, double growth)
{
	if (!strcmp(name, COUNTERS_PAGES))
		return -growth;
	return strncmp(name, "vmstat.", 7) ? growth : fabs(growth);
}

/* Again by name where the cache is not the one of before: its name came back. */
static void shrink(struct watched *w)
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
		shrink(&watched[i]);
}

/*
 * What CPUs keep free of a cache counts as used, up to 120 objects each of a small
 * one (set_cpu_partial() in mm/slub.c): they keep none. They would take some at the
 * next allocation, so nothing is opened between shrinking and reading: kmalloc-96
 * read 25 times then differs by 1, else by 126 (6.12).
 */
static int settle_and_read_again(void)
{
	counters_settle();
	shrink_all();
	return counters_read(&now);
}

/*
 * What kfree_rcu() gathers on a CPU, 60 objects of a small cache, shrinking only gives
 * to RCU (pcs_flush_all() there, 7.3): it does so before we wait for that.
 */
static int settle_and_read(void)
{
	shrink_all();
	return settle_and_read_again();
}

/* How many counters seem to leak. */
static int suspects(int times)
{
	int n = 0;

	for (int i = 0; i < nr_watched; i++) {
		const struct watched *w = &watched[i];
		double lost = leaked(w->name, grown(w, times)) * times;

		n += lost >= fmax(times * SLOPE_BOUND, w->hidden) / 2;
	}
	return n;
}

static int settle(int times)
{
	int err = settle_and_read();

	for (int i = 0; i < PATIENCE && !err && suspects(times); i++) {
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

		if (!counts_what_leaks(k->name))
			continue;
		if (++nr_watched == ARRAY_SIZE(watched))
			return -ENOSPC;
		snprintf(w->name, sizeof(w->name), "%s", k->name);
		w->shrink = counters_open_shrink(w->name);
		/* In the median round half of it. */
		w->hidden = counter_noise(k) / 2;
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

static int watch(void)
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
	err = err ?: settle(times);
	for (int i = 0; i < nr_watched && !err; i++) {
		watched[i].growth[kind][round] = grown(&watched[i], times);
		watched[i].value = counters_value(&now, watched[i].name);
	}
	return err;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, n, sizeof(*values), ascending);
	return values[n / 2];
}

/*
 * What clean operations lose, beyond the noise, failing ones may lose too; what
 * they give back was held back before, and excuses nothing.
 */
static double beyond_clean(const struct watched *w, const struct slope *s, int nr_clean)
{
	double excused = fmax(0, leaked(s->name, s->clean) - (double)w->hidden / nr_clean);

	return copysign(fmax(0, leaked(s->name, s->failing) - excused), s->failing);
}

static bool is_leak(const struct watched *w, const struct slope *s,
		    const struct slopes_operation *op)
{
	double lost = leaked(s->name, s->lost);

	return lost >= SLOPE_BOUND &&
	       lost * op->rounds * op->nr_failing >= w->hidden;
}

static void tell_slopes(struct slopes *s, const struct slopes_operation *op)
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

		slope.lost = beyond_clean(w, &slope, op->nr_clean);
		if (is_leak(w, &slope, op))
			s->out[s->nr++] = slope;
	}
}

int slopes_measure(const struct slopes_operation *op, struct slopes *s)
{
	int err = watch();

	for (int round = 0; round < op->rounds && !err; round++) {
		err = run_block(op->clean, op->arg, op->nr_clean, CLEAN, round);
		err = err ?: run_block(op->failing, op->arg, op->nr_failing,
				       FAILING, round);
	}
	if (!err)
		tell_slopes(s, op);
	return err;
}
