// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kselftest.h"
#include "counters.h"
#include "evidence.h"
#include "file.h"
#include "gauges.h"
#include "knobs.h"
#include "lines.h"
#include "percpu.h"
#include "verdict.h"

/* Told in every evidence block, moved or not. */
static const char * const always[] = {
	"vmstat.nr_memmap_pages",
	"meminfo.MemTotal",
	COUNTERS_PAGES,
};

/* Static and read once before use: taking a snapshot must not cost pages. */
static struct counters before, after;
/* As before but for what is known to be lost. */
static struct counters expected;

static int announce(struct verdict *v, const struct known *k)
{
	char id[sizeof(v->test) + 16];

	if (k->kind == KNOWN_OOPS)
		return splat_expect_oops(v->test, k->name);
	if (k->kind != KNOWN_KMSG)
		return 0;
	snprintf(id, sizeof(id), "%s#%d", v->test, v->splat.nr);
	return splat_expect(&v->splat, id, k->name, k->must_show);
}

/* khugepaged would make huge pages of the program's data, and we call their pages lost. */
static void keep_small(void)
{
	uintptr_t start = (uintptr_t)__data_start & -getpagesize();

	/* EINVAL: this kernel has no huge pages. */
	madvise((void *)start, (uintptr_t)_end - start, MADV_NOHUGEPAGE);
}

int verdict_begin(struct verdict *v, const char *fixture, const char *variant,
		  const char *test)
{
	int err;

	keep_small();
	memset(v, 0, sizeof(*v));
	snprintf(v->test, sizeof(v->test), "%s.%s%s%s.%s",
		 program_invocation_short_name, fixture, *variant ? "." : "",
		 variant, test);
	err = percpu_make_room();
	err = err ?: known_load(&v->known, v->test);
	err = err ?: splat_open(&v->splat);
	for (int i = 0; i < v->known.nr && !err; i++)
		err = announce(v, &v->known.row[i]);
	err = err ?: counters_read(&before);
	err = err ?: counters_read(&after);
	err = err ?: counters_read(&expected);
	counters_settle();
	return err ?: counters_read(&before);
}

/* The last entry stands for all findings that have no room. */
static void merge_finding(struct verdict *v, bool lasting, bool known)
{
	struct verdict_finding *last = &v->finding[ARRAY_SIZE(v->finding) - 1];

	v->nr_merged += v->nr_merged ? 1 : 2;
	snprintf(last->what, sizeof(last->what), "%d more findings", v->nr_merged);
	last->difference = 0;
	last->lasting |= lasting;
	last->known &= known;
}

static void add_finding(struct verdict *v, const char *what, long difference, bool lasting,
			bool known)
{
	struct verdict_finding *f = &v->finding[v->nr_findings];

	if (v->nr_findings == ARRAY_SIZE(v->finding)) {
		merge_finding(v, lasting, known);
		return;
	}
	v->nr_findings++;
	snprintf(f->what, sizeof(f->what), "%s", what);
	f->difference = difference;
	f->lasting = lasting;
	f->known = known;
}

static void tell_sites(const char *point)
{
	char text[2048], *line, *save;

	if (knob_get(point, "stats", text, sizeof(text)))
		return;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "site ", 5))
			evidence("           from %s", line + 5);
	}
}

static void tell(const char *name, long from, long to, long failures,
		 const char *what)
{
	char each[32] = "";

	if (failures)
		snprintf(each, sizeof(each), "%+.2f",
			 (double)(to - from) / failures);
	evidence("  %-28s %14ld %14ld %+10ld %12s  %s", name, from, to,
		 to - from, each, what);
}

/* After many failures, leaks of less than half a page are for the slopes to see. */
static long noise(const struct verdict *v, const struct difference *d)
{
	const int unit = strstr(d->name, "meminfo.") ? 4 : 1;	/* kB, or pages */

	if (d->bound == GAUGE_EXACT)
		return 0;
	return fmax(d->bound, v->failures * SLOPE_BOUND * unit);
}

/* Does each row about a counter tell just what it did? */
static void judge_rows(struct verdict *v, bool lasting)
{
	for (int i = 0; i < v->known.nr; i++) {
		const struct known *k = &v->known.row[i];
		long diff = counters_value(&after, k->name) -
			    counters_value(&before, k->name);
		long known = known_difference(&v->known, k->name, v->failures,
					      lasting);

		if (k->kind == KNOWN_COUNTER)
			known_showed(&v->known, k->name, lasting,
				     labs(diff - known) <= counters_noise(&before, k->name));
	}
}

static void judge_gauges(struct verdict *v, bool lasting)
{
	struct comparison c;

	counters_compare(&before, &after, &c);
	evidence("  %-28s %14s %14s %10s %12s", "counter", "before", "after",
		 "difference", "per failure");
	for (int i = 0; i < c.nr; i++) {
		const struct difference *d = &c.out[i];
		long rest = d->after - d->before -
			    known_difference(&v->known, d->name, v->failures,
					     lasting);
		long bound = noise(v, d);
		bool ok = labs(rest) <= bound;

		/* Of a known issue what is known, without the noise. */
		add_finding(v, d->name, d->after - d->before - (ok ? rest : 0), lasting, ok);
		tell(d->name, d->before, d->after, lasting ? 0 : v->failures,
		     ok ? "known issue" : "WRONG");
		if (ok)
			continue;
		v->wrong++;
		printf("# %s: %ld before, %ld after%s: %+ld unexplained, at most %ld is noise\n",
		       d->name, d->before, d->after, lasting ? " recovery" : "", rest, bound);
	}
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		tell(always[i], counters_value(&before, always[i]),
		     counters_value(&after, always[i]),
		     lasting ? 0 : v->failures, "");
	evidence("  %d gauges did not move, %d moved within their noise",
		 c.same, c.noise);
}

static long count_missing(const char *text, const char *other)
{
	const char *line = lines_missing(text, text, other);
	long n = 0;

	for (; line; line = lines_missing(text, line + lines_length(line), other))
		n++;
	return n;
}

/* Prints the lines that @text has more often than @other. */
static void tell_missing(struct verdict *v, const char *text, const char *other, char sign,
			 bool lasting, bool known)
{
	const char *line = lines_missing(text, text, other);
	char what[256];

	for (; line; line = lines_missing(text, line + lines_length(line), other)) {
		snprintf(what, sizeof(what), "/proc/iomem: %c %.*s", sign,
			 (int)strcspn(line, "\n"), line);
		printf("# %s\n", what);
		add_finding(v, what, 0, lasting, known);
	}
}

/* Known are so many lines more, among the lines that were there before. */
void verdict_iomem(struct verdict *v, const char *from, const char *to, bool lasting)
{
	long known = known_difference(&v->known, "iomem.lines", v->failures,
				      lasting);
	long gone = count_missing(from, to), come = count_missing(to, from);
	bool moved = !lines_in_order(from, to) && !gone;
	bool ok = !gone && !moved && come == known;

	if (!strcmp(from, to)) {
		evidence("  /proc/iomem is the same");
		return;
	}
	tell_missing(v, from, to, '-', lasting, ok);
	tell_missing(v, to, from, '+', lasting, ok);
	if (moved) {
		printf("# /proc/iomem: its lines are in another order\n");
		add_finding(v, "/proc/iomem: another order", 0, lasting, false);
	}
	if (ok) {
		evidence("  /proc/iomem: %ld lines more: known issue", come);
		return;
	}
	v->wrong++;
	evidence("  /proc/iomem differs: WRONG");
}

static void expect(const struct verdict *v, bool lasting)
{
	expected = before;
	for (int i = 0; i < v->known.nr; i++) {
		const struct known *k = &v->known.row[i];

		if (k->kind == KNOWN_COUNTER)
			counters_set(&expected, k->name,
				     counters_value(&before, k->name) +
				     known_difference(&v->known, k->name,
						      v->failures, lasting));
	}
}

static void judge(struct verdict *v, bool lasting)
{
	int err;

	expect(v, lasting);
	err = counters_read_settled(&after, &expected);
	if (err) {
		v->wrong++;
		printf("# counters: %s\n", strerror(-err));
		return;
	}
	judge_rows(v, lasting);
	judge_gauges(v, lasting);
	verdict_iomem(v, before.iomem, after.iomem, lasting);
}

static bool has_finding(const struct verdict *v, const char *what)
{
	for (int i = 0; i < v->nr_findings; i++) {
		if (!strcmp(v->finding[i].what, what))
			return true;
	}
	return false;
}

void verdict_status(struct verdict *v, const char *status)
{
	char point[64], state[32], what[128];

	for (; *status; status += lines_length(status)) {
		/* A line that begins with a blank names one more function of the point above. */
		if (*status == ' ' || sscanf(status, "%63s %31s", point, state) != 2 ||
		    strcmp(state, "dead"))
			continue;
		snprintf(what, sizeof(what), "point %s is dead", point);
		if (has_finding(v, what))
			continue;
		printf("# %s: somebody else switched its probe off\n", what);
		add_finding(v, what, 0, false, false);
		v->wrong++;
	}
}

/* A program may judge operations without errpath; what else keeps status from being read fails. */
static void judge_points(struct verdict *v)
{
	char status[16384];
	long err = file_read(ERRPATH "/status", status, sizeof(status));

	if (err >= 0) {
		verdict_status(v, status);
	} else if (err != -ENOENT) {
		v->wrong++;
		printf("# " ERRPATH "/status: %s\n", strerror(-err));
	}
}

void verdict_failed(struct verdict *v, const char *point,
		    const char *operation, long failures)
{
	struct utsname u;
	struct stats s;

	v->failures = failures;
	uname(&u);
	evidence("errpath evidence: %s", v->test);
	evidence("kernel:    %s %s %s", u.release, u.version, u.machine);
	evidence("point:     %s", point);
	evidence("operation: %s", operation);
	if (!stats_read(point, &s))
		evidence("fired:     %ld of %ld (seen %ld, missed %ld, matched %ld)",
			 s.injected, failures, s.seen, s.missed, s.matched);
	tell_sites(point);
	judge_points(v);
	judge(v, false);
}

void verdict_recovered(struct verdict *v, const char *operation)
{
	evidence("then:      %s", operation);
	judge(v, true);
}

void verdict_slopes(struct verdict *v, const struct slopes *s)
{
	for (int i = 0; i < s->nr; i++) {
		const struct slope *o = &s->out[i];
		double rest = o->lost - known_difference(&v->known, o->name, 1, true);
		bool ok = fabs(rest) < SLOPE_BOUND;

		known_showed(&v->known, o->name, true, ok);
		add_finding(v, o->name, lround(o->failing), true, ok);
		evidence("  %-28s %+.2f per clean operation, %+.2f per failure  %s",
			 o->name, o->clean, o->failing,
			 ok ? "known issue" : "LEAK");
		if (ok)
			continue;
		v->wrong++;
		printf("# %s: %+.2f per clean operation, %+.2f per failure: %+.2f unexplained\n",
		       o->name, o->clean, o->failing, rest);
	}
	evidence("  slopes of pages and slab objects: %d differ by %.1f or more",
		 s->nr, SLOPE_BOUND);
}

int verdict_errno(struct verdict *v, const char *step, int err, int good)
{
	for (int i = 0; i < v->known.nr; i++) {
		struct known *k = &v->known.row[i];

		if (k->kind != KNOWN_ERRNO || strcmp(k->name, step))
			continue;
		k->shown = err == k->err;
		if (k->shown)
			return good;
	}
	return err;
}

static void judge_log(struct verdict *v)
{
	int unannounced = splat_close(&v->splat);

	v->wrong += unannounced;
	for (int i = 0; i < unannounced; i++)
		add_finding(v, i < v->splat.nr_unannounced ? v->splat.unannounced[i] :
			    "kernel log: one more splat", 0, false, false);
	for (int i = 0, n = 0; i < v->known.nr; i++) {
		struct known *k = &v->known.row[i];

		if (k->kind == KNOWN_OOPS)
			splat_expect_oops(v->test, NULL);
		if (k->kind != KNOWN_KMSG)
			continue;
		k->shown = v->splat.expected[n++].seen;
		if (k->shown)
			add_finding(v, k->name, 0, false, true);
	}
}

static void say_reason(struct verdict *v)
{
	for (int i = 0; i < v->known.nr; i++) {
		size_t len = strlen(v->reason);

		if (v->known.row[i].shown)
			snprintf(v->reason + len, sizeof(v->reason) - len,
				 "%s%s", len ? "; " : "known: ",
				 v->known.row[i].observation);
	}
}

int verdict_end(struct verdict *v)
{
	int result = KSFT_PASS;

	judge_points(v);
	judge_log(v);
	v->wrong += known_report(&v->known);
	say_reason(v);
	if (v->wrong)
		result = KSFT_FAIL;
	else if (v->reason[0])
		result = KSFT_XFAIL;
	evidence("verdict:   %s", result == KSFT_FAIL ? "FAIL" :
		 result == KSFT_XFAIL ? v->reason : "as it should be");
	evidence("repeat:    ./%s -r %s", program_invocation_short_name,
		 strchr(v->test, '.') + 1);
	evidence("%s", "");
	return result;
}
