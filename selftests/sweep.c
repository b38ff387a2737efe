// SPDX-License-Identifier: GPL-2.0
/*
 * Fails the allocations of one operation, one after the other, and judges what each failure
 * leaves behind. scripts/sweep runs this program in guests; ERRPATH_SWEEP names the operation.
 *
 * A clean run shows the call stacks of the operation's allocations. Each call is announced to
 * the host before it is failed: if the guest is lost, the host knows which failure caused that,
 * and a new guest goes on with the remaining calls. The file sweep-done names the calls that
 * were judged in earlier guests. sweeps/README.md describes the records for the host.
 */
#include <unistd.h>

#include "lib/knobs.h"
#include "lib/known.h"
#include "sweeps/core/core.h"
#include "sweeps/core/judge.h"
#include "sweeps/core/records.h"
#include "sweeps/core/run.h"
#include "sweeps/core/targets.h"

#define OCCURRENCES 64		/* of one stack to fail by default */
#define WARM_UPS 2
/* A new name in sysfs takes a number of an idr, which allocates memory for each 64th only. */
#define NOT_IN_EACH_RUN "idr_alloc_cyclic"

struct sweep_options options;

static const struct sweep_operation *operation_lookup(const char *name)
{
	const struct sweep_operation * const *o;

	for (o = __start_sweeps; o < __stop_sweeps; o++) {
		if (!strcmp((*o)->name, name))
			return *o;
	}
	return NULL;
}

static const char *operation_unavailable(void)
{
	return options.op->unavailable ? options.op->unavailable() : NULL;
}

static void operation_prepare(void)
{
	bail_on_error(options.op->prepare ? options.op->prepare() : 0, "prepare");
}

static long environment_number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text ? atol(text) : otherwise;
}

/* ERRPATH_LANE=1/2: the second of two lanes. */
static void options_read_lane(void)
{
	const char *text = getenv("ERRPATH_LANE") ?: "0/1";

	if (sscanf(text, "%lu/%lu", &options.lane, &options.lanes) != 2 ||
	    options.lane >= options.lanes)
		ksft_exit_fail_msg("ERRPATH_LANE is no lane: '%s'\n", text);
}

static void options_read(const char *operation)
{
	options.op = operation_lookup(operation);
	if (!options.op)
		ksft_exit_fail_msg("ERRPATH_SWEEP names no operation: '%s'\n", operation);
	options.point = options.op->point ?: "alloc";
	options.occurrences = environment_number("ERRPATH_OCCURRENCES", OCCURRENCES);
	options.repeats = environment_number("ERRPATH_K", 0);
	options.pairs = environment_number("ERRPATH_PAIRS", 0);
	options_read_lane();
}

/* Arms the point so that any call of the operation can fail, but none is selected yet. */
static void arm_point(void)
{
	const char *point = options.point;

	bail_on_error(knob_set(point, "verbose", "1"), "verbose");
	bail_on_error(knob_set(point, "caller", "%s", options.op->scope ?: " "), "caller");
	bail_on_error(knob_set(point, "skip", "errpath:knob_write " NOT_IN_EACH_RUN " %s",
			       options.op->skip ?: ""), "skip");
	bail_on_error(targets_select_none(), "targets");
	bail_on_error(knob_set(point, "times", "-1"), "times");
	bail_on_error(knob_set(point, "probability", "100"), "probability");
}

static void start(void)
{
	char version[64];
	const char *why;
	bool stock;

	known_kernel(version, sizeof(version), &stock);
	send_start(options.op, options.point, version);
	why = point_unavailable(options.point) ?: operation_unavailable();
	if (!why)
		return;
	send_unavailable(why);
	ksft_exit_skip("%s\n", why);
}

static void sweep_targets(void)
{
	int surveyed = targets_count();
	unsigned long survey = targets_digest();

	/* The survey that follows each failure may find more targets, in this guest only. */
	for (int i = 0; i < targets_count(); i++) {
		const struct target *t = targets_get(i);

		if ((i >= surveyed || target_is_in_lane(t)) && !target_is_done(t))
			judge_target(t);
	}
	send_end(targets_count(), survey);
}

static int sweep(void)
{
	start();
	bail_on_error(guard_open(), "guard");
	operation_prepare();
	window_prepare();
	arm_point();
	for (int i = 0; i < WARM_UPS; i++)
		run_once();
	targets_survey();
	bail_on_error(run_error(), "the operation, with nothing failed");
	sweep_targets();
	window_end();
	return KSFT_PASS;
}

/*
 * Runs the operation once, for scripts that set the knobs themselves: "sweep run OPERATION".
 * "sweep recover OPERATION" recovers the operation first, where it no longer succeeds.
 */
static int run_alone(bool recover)
{
	const char *why = operation_unavailable();

	if (why)
		ksft_exit_skip("%s\n", why);
	operation_prepare();
	if (recover && options.op->recover)
		options.op->recover();
	window_prepare();
	run_once();
	window_end();
	for (int i = 0; i < last_run->nr_steps; i++)
		printf("%s: %s\n", last_run->step[i].name,
		       strerrorname_np(-last_run->step[i].err) ?: "?");
	if (last_run->signal)
		printf("killed by signal %d\n", last_run->signal);
	if (*last_run->wrong)
		printf("wrong: %s\n", last_run->wrong);
	if (last_run->hung)
		printf("hangs at\n%s", last_run->where);
	return run_error() ? KSFT_FAIL : KSFT_PASS;
}

int main(int argc, char **argv)
{
	bool recover = argc == 3 && !strcmp(argv[1], "recover");
	bool alone = recover || (argc == 3 && !strcmp(argv[1], "run"));

	options_read((alone ? argv[2] : getenv("ERRPATH_SWEEP")) ?: "");
	run_init();
	return alone ? run_alone(recover) : sweep();
}
