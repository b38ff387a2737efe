// SPDX-License-Identifier: GPL-2.0
/*
 * errpath sweep: fails each allocation of a command, one after the other, on the machine that it
 * runs on. The program of make sweep does the same in guests.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "lib/file.h"
#include "lib/known.h"
#include "sweep_report.h"
#include "sweeps/core/core.h"
#include "sweeps/core/run.h"
#include "sweeps/core/sweep.h"

#define OCCURRENCES 64		/* of one stack to fail */
#define SECONDS 60		/* that one run may take */

static const struct arguments *arguments;
static struct injection injection = { .point = "alloc" };

static void __attribute__((noreturn)) exec_command(void)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, 0);
	if (!arguments->verbose) {
		dup2(null, 1);
		dup2(null, 2);
	}
	execvp(*arguments->command, arguments->command);
	_exit(EXIT_NOT_FOUND);
}

static pid_t start_command(void)
{
	pid_t pid = fork();

	if (!pid) {
		run_end_with_parent();
		exec_command();
	}
	return pid;
}

/* The exit status does not say why the command failed: assume that memory was missing. */
static int operation_run(struct sweep_run *r)
{
	pid_t pid = start_command();
	int status = 0;

	if (sweep_call(r, "fork", pid) < 0)
		return -1;
	waitpid(pid, &status, 0);
	return sweep_step(r, "command", status ? -ENOMEM : 0);
}

static struct sweep_operation operation = {
	.name = "command",
	.what = "the command",
	.run = operation_run,
};

void sweep_bail_out(const char *what, int err)
{
	exit(complain("%s: %s", what, strerror(-err)));
}

static void set_knobs(void)
{
	if (injection_set(&injection, arguments))
		exit(EXIT_OWN);
}

static int check_machine(const struct arguments *a)
{
	if (machine_is_virtual())
		return 0;
	say("no virtual machine: a failure that the kernel handles wrongly can crash it");
	return a->yes ? 0 : complain("to sweep on this machine, write --yes");
}

/* Knobs that a sweep must not have, and why. */
static const struct {
	const char *name, *why;
} refused[] = {
	{ "delay-us", "a sweep fails calls; errpath run delays them" },
	{ "min", "a sweep fails calls, and changes no argument" },
	{ "nth", "a sweep sets nth itself" },
	{ "probability", "a sweep sets probability itself" },
	{ "skip", "a sweep sets skip itself" },
	{ "stacks", "a sweep sets stacks itself" },
	{ "targets", "a sweep sets targets itself" },
	{ "task-filter", "a sweep sets task-filter itself" },
	{ "times", "a sweep sets times itself" },
};

static int check_knob(const char *knob)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		size_t length = strlen(refused[i].name);

		if (!strncmp(knob, refused[i].name, length) && knob[length] == '=')
			return complain("leave out %s: %s", knob, refused[i].why);
	}
	return 0;
}

static int check_knobs(const struct arguments *a)
{
	int err = 0;

	for (int n = 0; n < a->nr_knobs && !err; n++)
		err = check_knob(a->knobs[n]);
	return err;
}

static void set_options(void)
{
	operation.seconds = arguments->seconds ?: SECONDS;
	options = (struct sweep_options) {
		.op = &operation,
		.point = injection.point,
		.occurrences = OCCURRENCES,
		.lanes = 1,
		.shard = 1,
		.shards = 1,
		.persistent = arguments->persistent,
		.set_knobs = set_knobs,
	};
}

/* Returns the wait status of the command, with nothing armed. */
static int run_unarmed(void)
{
	int status = 0;

	waitpid(start_command(), &status, 0);
	return status;
}

/* A command that does not succeed, or only once, cannot be swept. */
static int check_command(const struct arguments *a)
{
	int status = run_unarmed();

	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND)
		return complain("cannot run %s", *a->command);
	if (status)
		return complain("%s fails with nothing injected: sweep a command that succeeds",
				*a->command);
	if (run_unarmed())
		return complain("%s succeeds only once: sweep a command that can be repeated",
				*a->command);
	return 0;
}

int command_sweep(const struct arguments *a)
{
	int err = check_knobs(a);

	arguments = a;
	if (!err)
		err = check_machine(a);
	if (!err)
		err = injection_begin(&injection);
	if (!err)
		err = check_command(a);
	if (err)
		return err;
	/* What the verdict prints is in the findings, too. */
	fflush(stdout);
	stdout = a->verbose ? stderr : fopen("/dev/null", "we");
	if (!a->verbose)
		setenv("ERRPATH_COUNTERS", "/dev/null", 1);
	known_use_none();
	set_options();
	run_init();
	sweep_report_begin();
	sweep_operation();
	injection_end(&injection);
	return sweep_report_end(a);
}
