// SPDX-License-Identifier: GPL-2.0
/* A command of the user's: the file sweep-command is a shell script. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sweep.h"

#define SCRIPT "sweep-command"

static const char *no_command(void)
{
	return access(SCRIPT, R_OK) ? "no command: use make sweep CMD=\"...\"" : NULL;
}

/* The exit status does not say why the command failed: assume that memory was missing. */
static int run(struct sweep_run *r)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/sh", "sh", SCRIPT, NULL);
		_exit(127);
	}
	if (sweep_call(r, "fork", pid) < 0)
		return -1;
	waitpid(pid, &status, 0);
	return sweep_step(r, "command", status ? -ENOMEM : 0);
}

SWEEP_OPERATION(command) = {
	.name = "command",
	.what = "a command of the user's",
	.unavailable = no_command,
	.run = run,
	.seconds = 60,
};
