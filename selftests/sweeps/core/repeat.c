// SPDX-License-Identifier: GPL-2.0
/*
 * Repeats one failure many times, and as many successes, to find leaks that are too small for
 * the noise of one failure. All of them run in one worker process, because each new process
 * leaves traces in the counters.
 */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core.h"
#include "kept.h"
#include "lib/knobs.h"
#include "lib/slopes.h"
#include "records.h"
#include "repeat.h"
#include "run.h"

#define SEND_EVERY 20		/* commands between two records */
#define DEFAULT_SECONDS 10	/* of one run; a command takes up to three */

struct worker {
	const struct target *target;
	pid_t pid;
	int commands[2];
	int answers[2];
	long done;		/* commands */
};

enum command { COMMAND_CLEAN = 'c', COMMAND_FAIL = 'f' };

/* A success follows each failure, so that the next failure starts from the same state. */
static void worker_do(const struct worker *w, enum command command)
{
	if (command == COMMAND_FAIL)
		targets_select(w->target);
	run_in_process();
	targets_select_none();
	run_in_process();
	if (!run_error() || !options.op->recover)
		return;
	options.op->recover();
	run_in_process();
}

static void __attribute__((noreturn)) worker_main(const struct worker *w)
{
	char command;

	close(w->commands[1]);
	while (read(w->commands[0], &command, 1) == 1) {
		worker_do(w, command);
		if (write(w->answers[1], &command, 1) != 1)
			break;
	}
	_exit(0);
}

static void worker_start(struct worker *w)
{
	memset(last_run, 0, sizeof(*last_run));
	bail_on_error(pipe(w->commands) || pipe(w->answers) ? -errno : 0, "pipe");
	w->pid = fork();
	bail_on_error(w->pid < 0 ? -errno : 0, "fork");
	if (!w->pid)
		worker_main(w);
	close(w->commands[0]);
	close(w->answers[1]);
}

static void worker_end(struct worker *w)
{
	close(w->commands[1]);
	close(w->answers[0]);
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	window_close();
}

static int worker_command(struct worker *w, char command)
{
	struct pollfd fd = { .fd = w->answers[0], .events = POLLIN };
	int seconds = 3 * (options.op->seconds ?: DEFAULT_SECONDS);

	if (write(w->commands[1], &command, 1) != 1)
		return -errno;
	last_run->hung = poll(&fd, 1, 1000 * seconds) <= 0;
	if (last_run->hung)
		run_find_where(w->pid);
	run_exit_if_hung(w->target->hash);
	if (read(fd.fd, &command, 1) != 1)
		return -ECHILD;
	/* The host would take a guest that sends nothing for a hung one. */
	if (!(++w->done % SEND_EVERY))
		send_repeating(w->target->hash, w->done);
	return 0;
}

static int worker_clean(void *w)
{
	return worker_command(w, COMMAND_CLEAN);
}

static int worker_fail(void *w)
{
	return worker_command(w, COMMAND_FAIL);
}

/* Tells the lines of source that allocated what each failure loses. */
static void worker_find_kept(struct worker *w)
{
	struct kept kept[16];
	int nr = kept_measure(worker_clean, worker_fail, w, options.repeats, kept,
			      ARRAY_SIZE(kept));

	bail_on_error(nr, "allocinfo");
	send_kept(w->target->hash, kept, nr);
}

/* Adds to @v what each failure loses. */
static void worker_measure_slopes(struct worker *w, struct verdict *v)
{
	const struct slopes_operation slopes = {
		.clean = worker_clean,
		.failing = worker_fail,
		.arg = w,
		.rounds = 1,
		.nr_clean = options.repeats,
		.nr_failing = options.repeats,
	};
	struct slopes s;

	bail_on_error(slopes_prepare(), "slopes");
	bail_on_error(slopes_measure(&slopes, &s), "slopes");
	verdict_slopes(v, &s);
}

void repeat_target(const struct target *t, struct verdict *v)
{
	struct worker w = { .target = t };
	long before = targets_injected();

	bail_on_error(knob_set(options.point, "verbose", "0"), "verbose");
	if (options.kept)
		bail_on_error(kept_open(), "allocinfo");
	worker_start(&w);
	bail_on_error(worker_clean(&w), "worker");
	if (options.kept)
		worker_find_kept(&w);
	else
		worker_measure_slopes(&w, v);
	worker_end(&w);
	bail_on_error(knob_set(options.point, "verbose", "1"), "verbose");
	send_repeated(t->hash, targets_injected() - before);
}
