// SPDX-License-Identifier: GPL-2.0
/*
 * The command of the user. It stops behind its exec, so that errpath can arm a point for it whose
 * failures would otherwise hit the exec, and so that the status of a command that cannot be
 * started differs from that of one that fails.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

static const int forwarded[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
static pid_t child;

static void forward_signal(int number)
{
	if (child > 0)
		kill(child, number);
}

/* A terminal sends these to the command, too: errpath stays to disarm and to report. */
static void handle_signals(void)
{
	struct sigaction action = { .sa_handler = forward_signal, .sa_flags = SA_RESTART };

	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(*forwarded); i++)
		sigaction(forwarded[i], &action, NULL);
}

static void reset_signals(void)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(*forwarded); i++)
		signal(forwarded[i], SIG_DFL);
}

static void __attribute__((noreturn)) child_exec(char **command)
{
	int err;

	reset_signals();
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execvp(*command, command);
	err = errno;
	say("cannot run %s: %s", *command, strerror(err));
	_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

pid_t child_start(char **command)
{
	int status;

	handle_signals();
	child = fork();
	if (child < 0)
		return -complain("cannot start a process: %s", strerror(errno));
	if (!child)
		child_exec(command);
	if (waitpid(child, &status, 0) != child)
		return -complain("the process of %s is lost: %s", *command, strerror(errno));
	if (WIFEXITED(status))
		return -WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		return -(EXIT_SIGNAL + WTERMSIG(status));
	/* If errpath is killed now, the command must not run without its failures. */
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_EXITKILL);
	return child;
}

void child_continue(pid_t pid)
{
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

int child_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	child = 0;
	return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}
