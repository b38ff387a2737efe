// SPDX-License-Identifier: GPL-2.0
/* What errpath sweep prints: a line of progress on a terminal, findings, and the sum. */
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "sweep_report.h"
#include "sweeps/core/core.h"
#include "sweeps/core/records.h"

#define FRAMES 6

static struct {
	bool terminal;
	bool ended;
	long fired, silent, bad;
	int done;
	long fired_now;
	struct target target;
	struct sweep_run run;
} report;

/* The process can also end in the middle of a sweep, after a hang or a command that is broken. */
static void report_at_exit(void)
{
	if (!report.ended)
		say("the sweep ended early, after %d of %d calls: nothing is armed any more",
		    report.done, targets_count());
}

void sweep_report_begin(void)
{
	report.terminal = isatty(STDERR_FILENO);
	atexit(report_at_exit);
}

static void clear_progress(void)
{
	if (report.terminal)
		fprintf(stderr, "\r\033[K");
}

static void show_progress(void)
{
	if (!report.terminal)
		return;
	fprintf(stderr, "\r\033[Kerrpath: %d of %d calls, %ld findings: %s()", report.done,
		targets_count(), report.bad, report.target.stack.function);
	fflush(stderr);
}

static void show_target(void)
{
	char frames[sizeof(report.target.stack.frames)], *frame, *rest = frames;

	clear_progress();
	say("call %ld of %s() failed, below", report.target.occurrence,
	    report.target.stack.function);
	snprintf(frames, sizeof(frames), "%s", report.target.stack.frames);
	for (int n = 0; n < FRAMES && (frame = strsep(&rest, "\t")); n++)
		say("    %s", frame);
}

static void show_run(const struct sweep_run *run, const char *when)
{
	if (run->signal)
		say("  %s: killed by signal %d", when, run->signal);
	if (*run->wrong)
		say("  %s: %s", when, run->wrong);
	for (int n = 0; n < run->nr_steps; n++) {
		if (run->step[n].err)
			say("  %s: %s: %s", when, run->step[n].name, strerror(-run->step[n].err));
	}
}

static void show_findings(const struct verdict *v)
{
	for (int n = 0; n < v->nr_findings; n++) {
		const struct verdict_finding *f = &v->finding[n];

		if (f->difference)
			say("  %s %+ld%s", f->what, f->difference, f->lasting ? ", lasting" : "");
		else
			say("  %s", f->what);
	}
}

void send_start(const struct sweep_operation *op, const char *point, const char *kernel)
{
	(void)op;
	(void)point;
	(void)kernel;
}

void send_unavailable(const char *why)
{
	say("%s", why);
}

void send_target(const struct target *t)
{
	report.target = *t;
	show_progress();
}

void send_failed(const char *hash, long fired, const struct sweep_run *run)
{
	(void)hash;
	report.fired_now = fired;
	report.run = *run;
}

void send_again(const char *hash, const struct sweep_run *run)
{
	(void)hash;
	if (!run->nr_steps)
		return;
	/* With the findings: a command that fails again is one of them. */
	if (run->step[run->nr_steps - 1].err) {
		show_target();
		show_run(run, "again, with nothing failed");
	}
}

void send_repeating(const char *hash, long done)
{
	(void)hash;
	(void)done;
}

void send_clean(const struct cover *cover)
{
	(void)cover;
}

void send_covered(const char *hash, const struct cover *cover)
{
	(void)hash;
	(void)cover;
}

void send_kept(const char *hash, const struct kept *kept, int nr)
{
	(void)hash;
	(void)kept;
	(void)nr;
}

void send_repeated(const char *hash, long fired)
{
	(void)hash;
	(void)fired;
}

void send_judged(const char *hash, const char *result, const struct verdict *v)
{
	(void)hash;
	report.done++;
	report.fired += report.fired_now > 0;
	report.silent += !report.fired_now;
	if (strcmp(result, "fail"))
		return;
	report.bad++;
	show_target();
	show_run(&report.run, "then");
	show_findings(v);
}

void send_broken(const char *hash, const struct sweep_run *run, const char *result,
		 const struct verdict *v)
{
	(void)hash;
	(void)result;
	report.bad++;
	show_target();
	show_run(run, "the command does not succeed any more");
	show_findings(v);
}

/* Of twins, which this command does not have. */
void send_moved(const char *hash, unsigned long stacks, const struct verdict *v)
{
	(void)hash;
	(void)stacks;
	(void)v;
}

void send_hang(const char *hash, const struct sweep_run *run)
{
	(void)hash;
	report.bad++;
	show_target();
	say("  the command hangs at");
	fprintf(stderr, "%s", run->where);
}

void send_end(long targets, unsigned long survey)
{
	(void)survey;
	report.ended = true;
	clear_progress();
	if (!targets)
		return;
	say("%ld calls: %ld failed one by one, %ld did not occur again, %ld findings", targets,
	    report.fired, report.silent, report.bad);
}

/* Such a sweep says nothing about the command: the filters are wrong. */
static int complain_none(const struct arguments *a)
{
	char knobs[1024] = "";

	for (int n = 0; n < a->nr_knobs; n++)
		snprintf(knobs + strlen(knobs), sizeof(knobs) - strlen(knobs), "%s%s",
			 n ? " " : "", a->knobs[n]);
	return complain("no allocation of %s matches %s: nothing was failed", *a->command,
			*knobs ? knobs : "the point alloc");
}

int sweep_report_end(const struct arguments *a)
{
	if (!targets_count())
		return complain_none(a);
	return report.bad ? 1 : 0;
}
