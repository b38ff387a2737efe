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

/* Counters that each evidence block has, changed or not. */
static const char * const always_shown[] = {
	"vmstat.nr_memmap_pages",
	"meminfo.MemTotal",
	COUNTERS_PAGES,
};

struct verdict_counters {
	struct counters before, after;
	/* As before, with the differences of the known issues. */
	struct counters expected;
	/* As before, with the differences of a twin. */
	struct counters twin;
};

/* Keep khugepaged away: a huge page made of the program's memory would look like lost pages. */
static int verdict_keep_small(void *start, size_t size)
{
	/* EINVAL: this kernel has no huge pages. */
	return madvise(start, size, MADV_NOHUGEPAGE) && errno != EINVAL ? -errno : 0;
}

void verdict_keep_program_small(void)
{
	uintptr_t start = (uintptr_t)__data_start & -getpagesize();

	verdict_keep_small((void *)start, (uintptr_t)_end - start);
}

static int verdict_map_counters(struct verdict *v)
{
	void *mem = mmap(NULL, sizeof(*v->counters), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return -errno;
	v->counters = mem;
	return verdict_keep_small(mem, sizeof(*v->counters));
}

static void verdict_unmap_counters(struct verdict *v)
{
	if (v->counters)
		munmap(v->counters, sizeof(*v->counters));
	v->counters = NULL;
}

/* Fill all four: a snapshot must not cost pages, so each page of it is touched before. */
static int verdict_read_before(struct verdict_counters *c)
{
	int err = counters_read(&c->before);

	if (err)
		return err;
	err = counters_read(&c->after);
	if (err)
		return err;
	err = counters_read(&c->expected);
	if (err)
		return err;
	c->twin = c->expected;
	return counters_read_steady(&c->before, &c->after);
}

static int verdict_announce(struct verdict *v, const struct known *k)
{
	char id[sizeof(v->test) + 16];

	if (k->kind == KNOWN_OOPS)
		return splat_expect_oops(v->test, k->name);
	if (k->kind != KNOWN_KMSG)
		return 0;
	snprintf(id, sizeof(id), "%s#%d", v->test, v->splat.nr);
	return splat_expect(&v->splat, id, k->name, k->must_show);
}

static int verdict_init(struct verdict *v)
{
	verdict_keep_program_small();
	memset(v, 0, sizeof(*v));
	return percpu_make_room();
}

static int verdict_snapshot(struct verdict *v)
{
	int err = verdict_map_counters(v) ?: verdict_read_before(v->counters);

	if (err)
		verdict_unmap_counters(v);
	return err;
}

int verdict_open(struct verdict *v)
{
	return verdict_init(v) ?: verdict_snapshot(v);
}

int verdict_name(struct verdict *v, const char *fixture, const char *variant, const char *test)
{
	int err;

	snprintf(v->test, sizeof(v->test), "%s.%s%s%s.%s",
		 program_invocation_short_name, fixture, *variant ? "." : "",
		 variant, test);
	err = known_load(&v->known, v->test);
	if (err)
		return err;
	err = splat_open(&v->splat);
	for (int i = 0; i < v->known.nr && !err; i++)
		err = verdict_announce(v, &v->known.row[i]);
	return err;
}

int verdict_begin(struct verdict *v, const char *fixture, const char *variant,
		  const char *test)
{
	return verdict_init(v) ?: verdict_name(v, fixture, variant, test) ?: verdict_snapshot(v);
}

int verdict_prepared(struct verdict *v)
{
	return verdict_read_before(v->counters);
}

/* The last entry stands for all findings for which the array has no room. */
static void verdict_merge_finding(struct verdict *v, bool lasting, bool known)
{
	struct verdict_finding *last = &v->finding[ARRAY_SIZE(v->finding) - 1];

	v->nr_merged += v->nr_merged ? 1 : 2;
	snprintf(last->what, sizeof(last->what), "%d more findings", v->nr_merged);
	last->difference = 0;
	last->lasting |= lasting;
	last->known &= known;
}

static void verdict_add_finding(struct verdict *v, const char *what, long difference,
				bool lasting, bool known)
{
	struct verdict_finding *f = &v->finding[v->nr_findings];

	if (v->nr_findings == ARRAY_SIZE(v->finding)) {
		verdict_merge_finding(v, lasting, known);
		return;
	}
	v->nr_findings++;
	snprintf(f->what, sizeof(f->what), "%s", what);
	f->difference = difference;
	f->lasting = lasting;
	f->known = known;
}

static bool verdict_has_finding(const struct verdict *v, const char *what)
{
	for (int i = 0; i < v->nr_findings; i++) {
		if (!strcmp(v->finding[i].what, what))
			return true;
	}
	return false;
}

static void evidence_sites(const char *point)
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

static void evidence_counter(const char *name, long from, long to, long failures,
			     const char *what)
{
	char each[32] = "";

	if (failures)
		snprintf(each, sizeof(each), "%+.2f",
			 (double)(to - from) / failures);
	evidence("  %-28s %14ld %14ld %+10ld %12s  %s", name, from, to,
		 to - from, each, what);
}

/* After many failures, verdict_slopes() looks for leaks of less than half a page each. */
static long verdict_noise(const struct verdict *v, const struct difference *d)
{
	const int unit = strstr(d->name, "meminfo.") ? 4 : 1;	/* kB, or pages */

	if (d->bound == GAUGE_EXACT)
		return 0;
	return fmax(d->bound, v->failures * SLOPE_BOUND * unit);
}

/* Compare each counter that has rows with what they say about it. */
static void verdict_judge_rows(struct verdict *v, bool lasting)
{
	const struct verdict_counters *c = v->counters;

	for (int i = 0; i < v->known.nr; i++) {
		const struct known *k = &v->known.row[i];
		long diff = counters_value(&c->after, k->name) -
			    counters_value(&c->before, k->name);
		long known = known_difference(&v->known, k->name, v->failures,
					      lasting);

		if (k->kind == KNOWN_COUNTER && counters_has(&c->before, k->name))
			known_showed(&v->known, k->name, lasting,
				     labs(diff - known) <= counters_noise(&c->after, k->name));
	}
}

static void verdict_judge_gauge(struct verdict *v, const struct difference *d, bool lasting)
{
	const long diff = d->after - d->before;
	long rest = diff - known_difference(&v->known, d->name, v->failures, lasting);
	long bound = verdict_noise(v, d);
	bool ok = labs(rest) <= bound;

	/* The finding of a known issue is the known difference, without the noise. */
	verdict_add_finding(v, d->name, diff - (ok ? rest : 0), lasting, ok);
	evidence_counter(d->name, d->before, d->after, lasting ? 0 : v->failures,
			 ok ? "known issue" : "WRONG");
	if (ok)
		return;
	v->wrong++;
	printf("# %s: %ld before, %ld after%s: %+ld unexplained, at most %ld is noise\n",
	       d->name, d->before, d->after, lasting ? " recovery" : "", rest, bound);
}

static void verdict_judge_gauges(struct verdict *v, bool lasting)
{
	const struct verdict_counters *counters = v->counters;
	struct comparison c;

	counters_compare(&counters->before, &counters->after, &c);
	evidence("  %-28s %14s %14s %10s %12s", "counter", "before", "after",
		 "difference", "per failure");
	for (int i = 0; i < c.nr; i++)
		verdict_judge_gauge(v, &c.out[i], lasting);
	for (size_t i = 0; i < ARRAY_SIZE(always_shown); i++)
		evidence_counter(always_shown[i],
				 counters_value(&counters->before, always_shown[i]),
				 counters_value(&counters->after, always_shown[i]),
				 lasting ? 0 : v->failures, "");
	evidence("  %d gauges did not move, %d moved within their noise",
		 c.same, c.noise);
}

static long count_missing_lines(const char *text, const char *other)
{
	const char *line = lines_missing(text, text, other);
	long n = 0;

	for (; line; line = lines_missing(text, line + lines_length(line), other))
		n++;
	return n;
}

/* Reports the lines that @text has more often than @other. */
static void verdict_report_missing(struct verdict *v, const char *text, const char *other,
				   char sign, bool lasting, bool known)
{
	const char *line = lines_missing(text, text, other);
	char what[256];

	for (; line; line = lines_missing(text, line + lines_length(line), other)) {
		snprintf(what, sizeof(what), "/proc/iomem: %c %.*s", sign,
			 (int)strcspn(line, "\n"), line);
		printf("# %s\n", what);
		verdict_add_finding(v, what, 0, lasting, known);
	}
}

/* Known issues only add lines, and leave the others in their order. */
void verdict_iomem(struct verdict *v, const char *from, const char *to, bool lasting)
{
	long known = known_difference(&v->known, "iomem.lines", v->failures,
				      lasting);
	long gone = count_missing_lines(from, to), added = count_missing_lines(to, from);
	bool moved = !lines_in_order(from, to) && !gone;
	bool ok = !gone && !moved && added == known;

	if (!strcmp(from, to)) {
		evidence("  /proc/iomem is the same");
		return;
	}
	verdict_report_missing(v, from, to, '-', lasting, ok);
	verdict_report_missing(v, to, from, '+', lasting, ok);
	if (moved) {
		printf("# /proc/iomem: its lines are in another order\n");
		verdict_add_finding(v, "/proc/iomem: another order", 0, lasting, false);
	}
	if (ok) {
		evidence("  /proc/iomem: %ld lines more: known issue", added);
		return;
	}
	v->wrong++;
	evidence("  /proc/iomem differs: WRONG");
}

static void verdict_expect_counters(struct verdict *v, bool lasting)
{
	struct verdict_counters *c = v->counters;

	c->expected = c->before;
	for (int i = 0; i < v->known.nr; i++) {
		const struct known *k = &v->known.row[i];

		if (k->kind == KNOWN_COUNTER)
			counters_set(&c->expected, k->name,
				     counters_value(&c->before, k->name) +
				     known_difference(&v->known, k->name,
						      v->failures, lasting));
	}
}

static int verdict_read_after(struct verdict *v, bool lasting)
{
	struct verdict_counters *c = v->counters;

	if (!v->twins || !lasting)
		return counters_read_settled(&c->after, &c->expected);
	c->before = c->twin;
	return counters_read_exact(&c->after);
}

static void verdict_judge_counters(struct verdict *v, bool lasting)
{
	struct verdict_counters *c = v->counters;
	int err;

	verdict_expect_counters(v, lasting);
	err = verdict_read_after(v, lasting);
	if (err) {
		v->wrong++;
		printf("# counters: %s\n", strerror(-err));
		return;
	}
	verdict_judge_rows(v, lasting);
	verdict_judge_gauges(v, lasting);
	verdict_iomem(v, c->before.iomem, c->after.iomem, lasting);
}

void verdict_status(struct verdict *v, const char *status)
{
	char point[64], state[32], what[128];

	for (; *status; status += lines_length(status)) {
		/* A line that begins with a blank names another function of the point above. */
		if (*status == ' ' || sscanf(status, "%63s %31s", point, state) != 2 ||
		    strcmp(state, "dead"))
			continue;
		snprintf(what, sizeof(what), "point %s is dead", point);
		if (verdict_has_finding(v, what))
			continue;
		printf("# %s: its probe was switched off, but not by errpath\n", what);
		verdict_add_finding(v, what, 0, false, false);
		v->wrong++;
	}
}

/* ENOENT: a program may judge operations without errpath. Any other error fails the verdict. */
static void verdict_judge_points(struct verdict *v)
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
	evidence_sites(point);
	verdict_judge_points(v);
	verdict_judge_counters(v, false);
}

void verdict_recovered(struct verdict *v, const char *operation)
{
	evidence("then:      %s", operation);
	verdict_judge_counters(v, true);
}

void verdict_twins(struct verdict *v)
{
	v->twins = true;
	v->counters->twin = v->counters->before;
}

void verdict_twin(struct verdict *v, const char *name, long difference)
{
	struct counters *twin = &v->counters->twin;

	counters_set(twin, name, counters_value(twin, name) + difference);
}

void verdict_each_difference(const struct verdict *v,
			     void (*action)(const char *name, long difference))
{
	counters_each_difference(&v->counters->before, &v->counters->after, action);
}

void verdict_slopes(struct verdict *v, const struct slopes *s)
{
	for (int i = 0; i < s->nr; i++) {
		const struct slope *o = &s->out[i];
		double rest = o->lost - known_difference(&v->known, o->name, 1, true);
		bool ok = fabs(rest) < SLOPE_BOUND;

		known_showed(&v->known, o->name, true, ok);
		verdict_add_finding(v, o->name, lround(o->failing), true, ok);
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

long verdict_difference(struct verdict *v, const char *name, long difference, long noise)
{
	long rest = difference - known_difference(&v->known, name, v->failures, false);

	known_showed(&v->known, name, false, labs(rest) <= noise);
	if (rest != difference)
		evidence("  %s: %+ld: known issue, %+ld unexplained", name, difference, rest);
	return rest;
}

void verdict_expect(struct verdict *v, const char *name, long difference)
{
	struct counters *before = &v->counters->before;

	counters_set(before, name, counters_value(before, name) + difference);
}

static void verdict_judge_log(struct verdict *v)
{
	int unannounced = splat_close(&v->splat);

	v->wrong += unannounced;
	for (int i = 0; i < unannounced; i++)
		verdict_add_finding(v, i < v->splat.nr_unannounced ? v->splat.unannounced[i] :
				    "kernel log: another splat", 0, false, false);
	for (int i = 0, n = 0; i < v->known.nr; i++) {
		struct known *k = &v->known.row[i];

		if (k->kind == KNOWN_OOPS)
			splat_expect_oops(v->test, NULL);
		if (k->kind != KNOWN_KMSG)
			continue;
		k->shown = v->splat.expected[n++].seen;
		if (k->shown)
			verdict_add_finding(v, k->name, 0, false, true);
	}
}

/* "known: [ID] OBSERVATION; [ID] OBSERVATION" of the issues that showed; scripts/host reads it. */
static void verdict_write_reason(struct verdict *v)
{
	for (int i = 0; i < v->known.nr; i++) {
		const struct known *k = &v->known.row[i];
		size_t len = strlen(v->reason);

		if (k->shown)
			snprintf(v->reason + len, sizeof(v->reason) - len, "%s[%s] %s",
				 len ? "; " : "known: ", k->bug, k->observation);
	}
}

int verdict_end(struct verdict *v)
{
	int result = KSFT_PASS;

	verdict_judge_points(v);
	verdict_judge_log(v);
	v->wrong += known_report(&v->known);
	verdict_write_reason(v);
	if (v->wrong)
		result = KSFT_FAIL;
	else if (v->reason[0])
		result = KSFT_XFAIL;
	evidence("verdict:   %s", result == KSFT_FAIL ? "FAIL" :
		 result == KSFT_XFAIL ? v->reason : "as it should be");
	evidence("repeat:    ./%s -r %s", program_invocation_short_name,
		 strchr(v->test, '.') + 1);
	evidence("%s", "");
	verdict_unmap_counters(v);
	return result;
}
