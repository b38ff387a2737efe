// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <regex.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "knobs.h"

void command_prepare(const char *directory)
{
	setenv("PATH", "/bin:/usr/bin:.", 1);
	unsetenv("ERRPATH_COUNTERS");
	mkdir("/tmp", 0777);
	mkdir(directory, 0700);
}

static void __attribute__((noreturn)) exec_words(int out, const char * const words[])
{
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(out, 1);
	dup2(out, 2);
	execvp("errpath", (char **)words);
	_exit(99);
}

pid_t command_start(int out, const char * const words[])
{
	pid_t pid = fork();

	if (!pid)
		exec_words(out, words);
	return pid;
}

int command_wait(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void command_run(struct command_result *r, const char * const words[])
{
	size_t length = 0;
	int ends[2];
	ssize_t n;
	pid_t pid;

	r->out[0] = '\0';
	r->status = -1;
	if (pipe2(ends, O_CLOEXEC))
		return;
	pid = command_start(ends[1], words);
	close(ends[1]);
	while ((n = read(ends[0], r->out + length, sizeof(r->out) - 1 - length)) > 0)
		length += n;
	r->out[length] = '\0';
	close(ends[0]);
	r->status = command_wait(pid);
}

bool command_printed(const char *text, const char *regexp)
{
	bool found;
	regex_t re;

	if (regcomp(&re, regexp, REG_EXTENDED | REG_NOSUB | REG_NEWLINE))
		return false;
	found = !regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	return found;
}

bool command_arms(const char *point)
{
	for (int i = 0; i < 100; i++) {
		if (!strcmp(point_state(point), "armed"))
			return true;
		usleep(100000);
	}
	return false;
}
