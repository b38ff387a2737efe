// SPDX-License-Identifier: GPL-2.0
/* Loops in the kernel, the clock, and the report. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "costs.h"

#include "lib/knobs.h"

#define CALLS 10000
#define WARM_UP 100

static int errors;

int check(int err, const char *what)
{
	if (err) {
		printf("bench: %s: %s\n", what, strerror(-err));
		errors++;
	}
	return err;
}

int check_errors(void)
{
	return errors;
}

void report(const char *subject, const char *injector, const char *name, long long count)
{
	printf("bench %s %s %s %lld\n", subject, injector, name, count);
}

long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

pid_t process_start(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0) {
		check(-errno, "fork");
		exit(1);
	}
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

void process_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

pid_t other_task(void)
{
	static pid_t pid;

	if (!pid)
		pid = process_start();
	return pid;
}

/*
 * struct loop_file - a loop
 * @name: the subject of its lines
 * @path: the file that takes the order
 * @order: what is written to it, after the number of calls
 * @order_counted: an order that counts the calls that fail; NULL if @order counts them
 * @fd: the open file
 */
static struct loop_file {
	const char *name;
	const char *path;
	const char *order;
	const char *order_counted;
	int fd;
} loops[NR_LOOPS] = {
	[LOOP_FTRACE] = {
		.name = "ftrace",
		.path = "/sys/kernel/debug/errpath_target/call",
		.order = "traced loop",
		.order_counted = "traced atomic",
	},
	[LOOP_KPROBE] = {
		.name = "kprobe",
		.path = "/sys/kernel/debug/errpath_target/call",
		.order = "notrace loop",
		.order_counted = "notrace atomic",
	},
	[LOOP_KMALLOC] = {
		.name = "kmalloc",
		.path = "/sys/kernel/debug/errpath_alloc/loop",
		.order = "kmalloc",
	},
	[LOOP_PAGE] = {
		.name = "page",
		.path = "/sys/kernel/debug/errpath_alloc/loop",
		.order = "page",
	},
};

void loops_open(void)
{
	struct loop_file *file;

	for (file = loops; file < loops + NR_LOOPS; file++) {
		file->fd = open(file->path, O_RDWR | O_CLOEXEC);
		check(file->fd < 0 ? -errno : 0, file->path);
	}
}

/* What a loop reports after an order. */
struct loop_result {
	unsigned long failed;
	unsigned long long ns;
};

static int loop_run(const struct loop_file *file, unsigned long count, const char *order,
		    struct loop_result *result)
{
	const char *failed, *ns;
	char text[128];
	ssize_t n;

	snprintf(text, sizeof(text), "%lu %s", count, order);
	if (write(file->fd, text, strlen(text)) < 0)
		return -errno;
	n = pread(file->fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	failed = strstr(text, " failed ");
	ns = strstr(text, " ns ");
	if (!failed || !ns)
		return -EPROTO;
	result->failed = strtoul(failed + strlen(" failed "), NULL, 10);
	result->ns = strtoull(ns + strlen(" ns "), NULL, 10);
	return 0;
}

/* The first round fills the caches for the second one, which is measured. */
long long loop_measure(enum loop loop, bool fails)
{
	const struct loop_file *file = &loops[loop];
	struct loop_result first, second;

	if (check(loop_run(file, WARM_UP, file->order_counted ?: file->order, &first),
		  file->name) ||
	    check(loop_run(file, WARM_UP, file->order, &second), file->name) ||
	    check(loop_run(file, CALLS, file->order, &second), file->name))
		return 0;
	if (first.failed != (fails ? WARM_UP : 0)) {
		printf("bench: %s: %lu of %d calls failed\n", file->name, first.failed, WARM_UP);
		errors++;
	}
	return (second.ns + CALLS / 2) / CALLS;
}

void loop_report(enum loop loop, const char *injector, const char *name, bool fails)
{
	if (loop == WORKLOADS)
		workloads_report(injector, name);
	else
		report(loops[loop].name, injector, name, loop_measure(loop, fails));
}

int point_arm(const char *point, const char *tasks, const char *caller)
{
	int err = knob_set(point, "verbose", "0");

	if (!err)
		err = knob_set(point, "times", "-1");
	if (!err && !strcmp(point, "alloc"))	/* no other point has a time limit */
		err = knob_set(point, "seconds", "0");
	if (!err)
		err = knob_set(point, "caller", "%s", caller);
	if (!err)
		err = knob_set(point, "tasks", "%s", tasks);
	if (!err)
		err = knob_set(point, "probability", "100");
	return err;
}

int point_arm_other(const char *point)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", other_task());
	return point_arm(point, pid, "");
}
