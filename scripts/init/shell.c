// SPDX-License-Identifier: GPL-2.0
/*
 * A prompt, or a single command of the user, instead of the selftests. The host can give a script
 * that runs on the terminal in place of a bare shell: the file /prompt.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

/* The console itself cannot be a controlling terminal; the device behind it can. */
static int open_terminal(void)
{
	char name[64] = "", path[80];
	FILE *file = fopen("/sys/class/tty/console/active", "re");

	if (!file || fscanf(file, "%63s", name) != 1)
		die("no active console");
	fclose(file);
	snprintf(path, sizeof(path), "/dev/%s", name);
	return must(open(path, O_RDWR | O_NOCTTY | O_CLOEXEC), path);
}

static void set_size(int terminal)
{
	const char *lines = getenv("LINES"), *columns = getenv("COLUMNS");
	struct winsize size = {
		.ws_row = lines ? atoi(lines) : 24,
		.ws_col = columns ? atoi(columns) : 80,
	};

	ioctl(terminal, TIOCSWINSZ, &size);
}

static void __noreturn exec_shell(void)
{
	int terminal = open_terminal();

	setsid();
	must(ioctl(terminal, TIOCSCTTY, 1), "controlling terminal");
	set_size(terminal);
	dup2(terminal, STDIN_FILENO);
	dup2(terminal, STDOUT_FILENO);
	dup2(terminal, STDERR_FILENO);
	if (!access("/prompt", R_OK))
		execl("/bin/sh", "sh", "/prompt", NULL);
	execl("/bin/sh", "sh", NULL);
	_exit(127);
}

/* Return whether the kernel has oopsed since it booted: TAINT_DIE of linux/panic.h. */
static bool has_oopsed(void)
{
	enum { TAINT_DIE = 7 };
	FILE *file = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long taints;

	if (!file || fscanf(file, "%lu", &taints) != 1)
		die("/proc/sys/kernel/tainted: %s", strerror(errno));
	fclose(file);
	return taints & 1ul << TAINT_DIE;
}

/* Run the user's command instead of a prompt. scripts/host/shell.py reads the report. */
void run_command(void)
{
	int status, report;

	each_line("/modules/load", load_for_shell);
	must(chdir("/selftests"), "/selftests");
	report = port_open("errpath.command");
	dprintf(report, "begin\n");
	status = system("/bin/sh /command </dev/null");
	if (has_oopsed())
		dprintf(report, "oops\n");
	else
		dprintf(report, "exit %d\n",
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

void run_shell(void)
{
	struct utsname kernel;
	pid_t pid;

	uname(&kernel);
	each_line("/modules/load", load_for_shell);
	printf("\nLinux %s: knobs in /sys/kernel/debug/errpath, tests in /selftests\n",
	       kernel.release);
	printf("exit powers the guest off, Ctrl-A X ends it immediately\n");
	fflush(stdout);
	must(chdir("/selftests"), "/selftests");
	setenv("PS1", "errpath \\w # ", 1);
	pid = must(fork(), "fork");
	if (!pid)
		exec_shell();
	while (wait(NULL) != pid)
		;
}
