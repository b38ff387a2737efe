// SPDX-License-Identifier: GPL-2.0
/* Runs the selftests one by one, and kmemleak after them; prints the results as KTAP. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define DEFAULT_LIMIT	45	/* seconds, as in kselftest */

enum { PASS = 0, XFAIL = 2, SKIP = 4 };	/* kselftest's exit codes */

static int results, failures;

void result_print(bool ok, const char *name, const char *directive, ...)
{
	char text[256];
	va_list args;

	va_start(args, directive);
	vsnprintf(text, sizeof(text), directive, args);
	va_end(args);

	failures += !ok;
	ktap_print("%sok %d %s%s\n", ok ? "" : "not ", ++results, name, text);
}

static void __noreturn exec_program(const char *name, int output)
{
	char path[160];

	setsid();
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	if (chdir("/selftests"))
		_exit(126);
	snprintf(path, sizeof(path), "./%s", name);
	execl(path, path, NULL);
	printf("%s: %s\n", path, strerror(errno));
	fflush(stdout);
	_exit(127);
}

/*
 * Pass on what the program prints until it ends. At the time limit its process group
 * is killed; if it outlives that, the guest cannot go on. Return whether it was killed.
 */
static bool watch(pid_t pid, struct output *out, double limit)
{
	double deadline = now() + limit;
	bool killed = false;
	struct pollfd fds[] = {
		{ .fd = must(syscall(SYS_pidfd_open, pid, 0), "pidfd_open"), .events = POLLIN },
		{ .fd = out->fd, .events = POLLIN },
		{ .fd = counters_fd(), .events = POLLIN },
	};

	while (!(fds[0].revents & POLLIN)) {
		double left = deadline - now();

		if (left <= 0 && killed)
			give_up("the program at its time limit cannot be killed");
		if (left <= 0) {
			kill(-pid, SIGKILL);
			killed = true;
			deadline = now() + GRACE;
			continue;
		}
		if (fds[1].revents & POLLHUP)
			fds[1].fd = -1;	/* closed by all writers */
		poll(fds, 3, left * 1000 + 1);
		output_pass_on(out);
		counters_pass_on();
	}
	close(fds[0].fd);
	return killed;
}

static void report_program(const char *name, int code, bool killed, int limit)
{
	if (killed)
		result_print(false, name, " # TIMEOUT %d seconds", limit);
	else if (WIFSIGNALED(code))
		result_print(false, name, " # killed by signal %d", WTERMSIG(code));
	else if (WEXITSTATUS(code) == PASS)
		result_print(true, name, "%s", "");
	else if (WEXITSTATUS(code) == SKIP)
		result_print(true, name, " # SKIP");
	else if (WEXITSTATUS(code) == XFAIL)
		result_print(true, name, " # XFAIL");
	else
		result_print(false, name, " # exit=%d", WEXITSTATUS(code));
}

static void run_program(const char *name, const char *seconds)
{
	int limit = *seconds ? atoi(seconds) : DEFAULT_LIMIT;
	struct output out = { 0 };
	int pipes[2], code;
	bool killed;
	pid_t pid;

	log_print("errpath: test %s\n", name);
	ktap_print("## begin %s\n", name);	/* a program's lines start with "# " */

	must(pipe2(pipes, O_CLOEXEC), "pipe");
	pid = must(fork(), "fork");
	if (!pid)
		exec_program(name, pipes[1]);
	close(pipes[1]);
	out.fd = pipes[0];
	fcntl(out.fd, F_SETFL, O_NONBLOCK);

	killed = watch(pid, &out, limit);
	kill(-pid, SIGKILL);	/* processes that it left behind */
	must(waitpid(pid, &code, 0), "waitpid");
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	output_pass_on(&out);
	output_end(&out);
	counters_pass_on();
	close(out.fd);
	report_program(name, code, killed, limit);
}

#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define KMEMLEAK_AGE	6	/* seconds; kmemleak reports objects from an age of five on */

/* True if kmemleak runs: with kmemleak=off the file exists, but writes are refused. */
static bool write_kmemleak(const char *command)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);
	ssize_t written;

	if (fd < 0)
		return false;
	written = write(fd, command, strlen(command));
	if (written < 0 && errno != EPERM)
		die("%s: %s", KMEMLEAK, strerror(errno));
	close(fd);
	return written >= 0;
}

/* Make kmemleak forget the leaks from before the tests. */
static void forget_leaks(void)
{
	if (!write_kmemleak("scan=off"))	/* only on request */
		return;
	write_kmemleak("scan");
	write_kmemleak("clear");
}

/* Scan twice: a reference that moves during the first scan is found by the second. */
static void report_leaks(void)
{
	struct output out = { 0 };
	bool any;

	if (!write_kmemleak("scan=off"))
		return;
	log_print("errpath: test kmemleak\n");
	ktap_print("## begin kmemleak\n");
	sleep(KMEMLEAK_AGE);
	write_kmemleak("scan");
	write_kmemleak("scan");
	out.fd = must(open(KMEMLEAK, O_RDONLY | O_CLOEXEC), KMEMLEAK);
	any = output_pass_on(&out);
	close(out.fd);
	result_print(!any, "kmemleak", "%s", any ? " # leaked objects" : "");
}

/* Say where VMCOREINFO is: the host reads the memory of a guest that hangs. */
static void vmcoreinfo_print(void)
{
	unsigned long address, size;
	FILE *file = fopen("/sys/kernel/vmcoreinfo", "re");

	if (!file)
		return;		/* a kernel without CONFIG_VMCORE_INFO */
	if (fscanf(file, "%lx %lx", &address, &size) == 2)
		ktap_print("# vmcoreinfo %lx %lx\n", address, size);
	fclose(file);
}

void run_selftests(void)
{
	pid_t log;

	ports_open();
	ktap_print("KTAP version 1\n");
	vmcoreinfo_print();
	log = log_copy_start();
	each_line("/modules/load", load_tested);
	forget_leaks();
	each_line("/selftests/kselftest-list.txt", run_program);
	report_leaks();
	ktap_print("1..%d\n", results);
	log_copy_finish(log);
	status_print(failures ? 1 : 0);
}
