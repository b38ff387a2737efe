// SPDX-License-Identifier: GPL-2.0
/*
 * errpath run: fails calls of a point for one command. errpath verdict: fails nothing. Both
 * compare the kernel's counters before and after, and exit as the command does.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "kselftest.h"
#include "lib/knobs.h"
#include "lib/known.h"
#include "lib/verdict.h"

static struct verdict verdict;

/* The verdict prints to stdout, which is the command's: its lines are for --verbose. */
static void redirect_verdict(bool verbose)
{
	fflush(stdout);
	stdout = verbose ? stderr : fopen("/dev/null", "we");
	known_use_none();
	if (verbose)
		unsetenv("ERRPATH_COUNTERS");
	else
		setenv("ERRPATH_COUNTERS", "/dev/null", 1);
}

static int begin_verdict(const struct arguments *a)
{
	const char *set = getenv("ERRPATH_COUNTERS");
	char *counters = set ? strdup(set) : NULL;
	int err;

	/* The environment of the command stays as it is. */
	redirect_verdict(a->verbose);
	err = verdict_begin(&verdict, a->subcommand, "", "command");
	if (counters)
		setenv("ERRPATH_COUNTERS", counters, 1);
	else
		unsetenv("ERRPATH_COUNTERS");
	free(counters);
	if (err)
		return complain("cannot read the kernel's counters: %s", strerror(-err));
	return 0;
}

static void report_finding(const struct verdict_finding *f)
{
	if (f->difference)
		say("  %s %+ld", f->what, f->difference);
	else
		say("  %s", f->what);
}

/* Returns whether every gauge is back. */
static bool report_verdict(bool verbose)
{
	bool ok;

	if (!verbose)
		setenv("ERRPATH_COUNTERS", "/dev/null", 1);
	ok = verdict_end(&verdict) != KSFT_FAIL;
	if (ok) {
		say("every gauge is back, and the kernel log is clean");
		return true;
	}
	say("not as before:");
	for (int n = 0; n < verdict.nr_findings; n++)
		report_finding(&verdict.finding[n]);
	return false;
}

static void report_sites(const char *point)
{
	char text[2048], *line, *save, site[128];
	long injected;

	if (knob_get(point, "stats", text, sizeof(text)))
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "site %127s %ld", site, &injected) == 2)
			say("  %ld called from %s()", injected, site);
	}
}

static void report_calls(const struct injection *i, enum instead how, const struct stats *s)
{
	switch (how) {
	case INSTEAD_DELAY:
		say("%s: delayed %ld of %ld matching calls", i->what, s->injected, s->matched);
		break;
	case INSTEAD_RAISE_MIN:
		say("%s: raised the minimum of %ld of %ld matching calls", i->what, s->injected,
		    s->matched);
		break;
	case INSTEAD_FAIL:
		if (s->injected)
			say("%s: failed %ld of %ld matching calls", i->what, s->injected,
			    s->matched);
		else
			say("%s: did not fire: of %ld calls %ld matched", i->what, s->seen,
			    s->matched);
	}
}

static long report_fired(const struct injection *i)
{
	struct stats s;

	if (stats_read(i->point, &s))
		return 0;
	report_calls(i, instead_of(i), &s);
	report_sites(i->point);
	if (s.missed)
		say("  %ld calls were missed: a handler could not examine them", s.missed);
	return s.injected;
}

/* Returns whether the command ran; @status is what errpath exits with. */
static bool run_armed(const struct injection *i, const struct arguments *a, int *status)
{
	pid_t pid = child_start(a->command);

	if (pid < 0) {
		*status = -pid;
		return false;
	}
	*status = injection_arm(i, a, pid);
	if (*status) {
		kill(pid, SIGKILL);
		child_wait(pid);
		return false;
	}
	instead_warn(i);
	child_continue(pid);
	*status = child_wait(pid);
	return true;
}

static int run_injected(struct injection *i, const struct arguments *a)
{
	int err = injection_find(i, a->target), status;

	if (!err)
		err = injection_set(i, a);
	/* A call that goes on returns what it always returns. */
	if (!err && instead_of(i) != INSTEAD_FAIL)
		snprintf(i->what, sizeof(i->what), "%s", i->name);
	if (!err)
		err = begin_verdict(a);
	if (err)
		return err;
	if (!run_armed(i, a, &status))
		return status;
	injection_disarm(i);
	verdict_failed(&verdict, i->point, i->what, report_fired(i));
	report_verdict(a->verbose);
	return status;
}

int command_run(const struct arguments *a)
{
	struct injection i = {};
	int status = injection_begin(&i);

	if (status)
		return status;
	status = run_injected(&i, a);
	injection_end(&i);
	return status;
}

int command_verdict(const struct arguments *a)
{
	int status = begin_verdict(a);
	pid_t pid;

	if (status)
		return status;
	pid = child_start(a->command);
	if (pid < 0)
		return -pid;
	child_continue(pid);
	status = child_wait(pid);
	verdict_failed(&verdict, "none", *a->command, 0);
	if (!report_verdict(a->verbose) && !status)
		status = 1;
	return status;
}
