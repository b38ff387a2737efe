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
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/knobs.h"
#include "lib/known.h"
#include "lib/verdict.h"
#include "sweeps/core/core.h"
#include "sweeps/core/records.h"
#include "sweeps/core/run.h"
#include "sweeps/core/survey.h"
#include "sweeps/core/sweep.h"
#include "sweeps/core/targets.h"
#include "sweeps/core/twins.h"

#define OCCURRENCES 64		/* of one stack to fail by default */
#define SURVEYS 10		/* clean runs until a target counts as absent */

void sweep_bail_out(const char *what, int err)
{
	printf("Bail out! %s: %s\n", what, strerror(-err));
	exit(KSFT_FAIL);
}

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

/* ERRPATH_SHARD=2/5: the second of five sweeps, which share the targets. */
static void options_read_shard(void)
{
	const char *text = getenv("ERRPATH_SHARD") ?: "1/1";

	if (sscanf(text, "%lu/%lu", &options.shard, &options.shards) != 2 ||
	    !options.shard || options.shard > options.shards)
		ksft_exit_fail_msg("ERRPATH_SHARD is no shard: '%s'\n", text);
}

static void options_read(const char *operation)
{
	options.op = operation_lookup(operation);
	if (!options.op)
		ksft_exit_fail_msg("ERRPATH_SWEEP names no operation: '%s'\n", operation);
	options.point = options.op->point ?: "alloc";
	options.occurrences = environment_number("ERRPATH_OCCURRENCES", OCCURRENCES);
	options.repeats = environment_number("ERRPATH_K", 0);
	options.twins = environment_number("ERRPATH_TWINS", 0);
	options.memcg = environment_number("ERRPATH_MEMCG", 0);
	options.pairs = environment_number("ERRPATH_PAIRS", 0);
	options.under = getenv("ERRPATH_UNDER");
	options.survey = environment_number("ERRPATH_SURVEY", 0);
	options.cover = environment_number("ERRPATH_COVER", 0);
	options.kept = environment_number("ERRPATH_KEPT", 0);
	options.persistent = environment_number("ERRPATH_PERSISTENT", 0);
	options.done_list = "sweep-done";
	options_read_lane();
	options_read_shard();
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

/* Everything until only a target is missing. The guard is held until this process ends. */
static void sweep_begin(void)
{
	bail_on_error(guard_open(), "guard");
	operation_prepare();
	window_prepare();
	if (options.twins)
		twins_prepare();
	sweep_warm_up();
	if (options.twins)
		twins_open();
	sweep_survey();
}

static void send_other_shards(void)
{
	for (int i = 0; i < targets_count(); i++) {
		const struct target *t = targets_get(i);

		if (target_is_selected(t) && !target_is_in_shard(t))
			send_elsewhere(t);
	}
}

static int sweep(void)
{
	start();
	sweep_begin();
	if (options.survey) {
		survey_send();
		window_end();
		return KSFT_PASS;
	}
	send_other_shards();
	if (options.twins)
		twins_run();
	else
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

/* Finds the target @hash. It can be one that only a few clean runs have. */
static const struct target *find_target(const char *hash)
{
	const struct target *t = targets_lookup(hash);

	for (int i = 0; i < SURVEYS && !t; i++) {
		targets_survey();
		t = targets_lookup(hash);
	}
	if (!t)
		ksft_exit_fail_msg("the operation does not make the call %s in this guest\n", hash);
	return t;
}

/* Finds a target of PAIRS, "FIRST:HASH": only a run in which FIRST fails has it. */
static const struct target *find_pair(char *name)
{
	char *hash = strchr(name, ':');
	const struct target *first;

	if (!hash)
		return find_target(name);
	*hash++ = '\0';
	first = find_target(name);
	bail_on_error(knob_set(options.point, "stacks", "Y"), "stacks");
	targets_select(first);
	run_once();
	targets_select_none();
	targets_add_pairs(first);
	return find_target(hash);
}

static int run_command(char **command)
{
	int status;
	pid_t pid = fork();

	bail_on_error(pid < 0 ? -errno : 0, "fork");
	if (!pid) {
		execvp(*command, command);
		_exit(127);
	}
	signal(SIGINT, SIG_IGN);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * Stops right before the failure of a target, and runs a command there: "sweep at HASH COMMAND...".
 * When the command runs "sweep run OPERATION", this call fails.
 */
static int run_at(char *name, char **command)
{
	const char *why = point_unavailable(options.point) ?: operation_unavailable();
	const struct target *t;
	int status;

	if (why)
		ksft_exit_skip("%s\n", why);
	sweep_begin();
	t = find_pair(name);
	bail_on_error(knob_set(options.point, "stacks", "Y"), "stacks");
	targets_select(t);
	printf("%s #%ld < %.*s fails when you run: ./sweep run %s\n", t->stack.function,
	       t->occurrence, (int)strcspn(t->stack.frames, "+\t"), t->stack.frames,
	       options.op->name);
	fflush(stdout);
	status = run_command(command);
	window_end();
	return status;
}

int main(int argc, char **argv)
{
	bool at = argc > 3 && !strcmp(argv[1], "at");
	bool recover = argc == 3 && !strcmp(argv[1], "recover");
	bool alone = recover || (argc == 3 && !strcmp(argv[1], "run"));

	/* A process with the huge zero page would keep it, and its children would not make it. */
	verdict_keep_program_small();
	options_read((alone ? argv[2] : getenv("ERRPATH_SWEEP")) ?: "");
	run_init();
	if (at)
		return run_at(argv[2], argv + 3);
	return alone ? run_alone(recover) : sweep();
}
