// SPDX-License-Identifier: GPL-2.0
/* Runs the operation in a child process, within a time limit. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core.h"
#include "cover.h"
#include "lib/cgroup.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/record.h"
#include "records.h"
#include "run.h"

#define DEFAULT_SECONDS 10	/* until a run counts as hung */
#define GROUP "errpath-sweep"	/* ERRPATH_MEMCG: the cgroup of one run */

struct sweep_run *last_run;

/*
 * The window is the time in which calls may fail. Outside of it the task filter selects only
 * an idle process; inside it, the process that runs the operation. If kernel threads do the
 * work, the filter is on outside of the window and off inside.
 */
static pid_t idle_task;
static int window_knob = -1;

void run_init(void)
{
	last_run = mmap(NULL, sizeof(*last_run), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bail_on_error(last_run == MAP_FAILED ? -errno : 0, "memory for the result of a run");
	if (options.memcg)
		bail_on_error(cgroup_open(), "memory controller of cgroup v2");
}

void run_end_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static pid_t window_start_idle_task(void)
{
	pid_t pid = fork();

	bail_on_error(pid < 0 ? -errno : 0, "fork");
	if (pid)
		return pid;
	run_end_with_parent();
	for (;;)
		pause();
}

static int window_write(const char *text)
{
	/* A knob takes one write from the start of the file. */
	if (lseek(window_knob, 0, SEEK_SET))
		return -errno;
	return write(window_knob, text, strlen(text)) < 0 ? -errno : 0;
}

static int window_open(void)
{
	return window_write(options.op->workers ? "N" : "self");
}

void window_close(void)
{
	char text[16] = "Y";

	if (!options.op->workers)
		snprintf(text, sizeof(text), "%d", idle_task);
	window_write(text);
}

void window_prepare(void)
{
	char path[256];

	idle_task = window_start_idle_task();
	bail_on_error(knob_set(options.point, "task-filter", "Y"), "task-filter");
	bail_on_error(knob_set(options.point, "tasks", "%d", idle_task), "tasks");
	snprintf(path, sizeof(path), ERRPATH "/%s/%s", options.point,
		 options.op->workers ? "task-filter" : "tasks");
	window_knob = open(path, O_WRONLY | O_CLOEXEC);
	bail_on_error(window_knob < 0 ? -errno : 0, path);
}

void window_end(void)
{
	kill(idle_task, SIGKILL);
}

static void group_make(void)
{
	if (options.memcg)
		bail_on_error(cgroup_make(GROUP), "memory cgroup");
}

static int group_enter(const char *name)
{
	return options.memcg ? cgroup_enter(name) : 0;
}

static void group_remove(void)
{
	if (options.memcg)
		bail_on_error(cgroup_remove(GROUP), "memory cgroup: remove");
}

static void __attribute__((noreturn)) run_child(void)
{
	int err = group_enter(GROUP);

	run_end_with_parent();
	if (!err && options.op->setup)
		err = options.op->setup();
	if (err) {
		sweep_step(last_run, "setup", err);
		_exit(0);
	}
	err = window_open();
	cover_begin();
	if (err)
		sweep_step(last_run, "window", err);
	else
		options.op->run(last_run);
	cover_end();
	window_close();
	_exit(0);
}

/* Returns the process that @pid waits for if it waits for its child, and so on. */
static pid_t last_child(pid_t pid)
{
	char path[64], children[256];

	for (;;) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
		/* Without CONFIG_PROC_CHILDREN there is no such file. */
		if (file_read(path, children, sizeof(children)) <= 0)
			return pid;
		pid = atoi(children);
	}
}

void run_find_where(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stack", last_child(pid));
	if (file_read(path, last_run->where, sizeof(last_run->where)) < 0)
		last_run->where[0] = '\0';
}

static void run_wait(pid_t pid)
{
	struct pollfd fd = { .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int status;

	bail_on_error(fd.fd < 0 ? -errno : 0, "pidfd_open");
	last_run->hung = poll(&fd, 1, 1000 * (options.op->seconds ?: DEFAULT_SECONDS)) <= 0;
	close(fd.fd);
	if (last_run->hung) {
		run_find_where(pid);
		return;
	}
	waitpid(pid, &status, 0);
	last_run->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	/* A process that was killed did not close the window. */
	window_close();
}

void run_once(void)
{
	pid_t pid;

	memset(last_run, 0, sizeof(*last_run));
	group_make();
	pid = fork();
	bail_on_error(pid < 0 ? -errno : 0, "fork");
	if (!pid)
		run_child();
	run_wait(pid);
	if (!last_run->hung)
		group_remove();
}

void run_in_process(void)
{
	group_make();
	bail_on_error(group_enter(GROUP), GROUP);
	if (options.op->setup)
		options.op->setup();
	last_run->nr_steps = 0;
	window_open();
	options.op->run(last_run);
	window_close();
	bail_on_error(group_enter(""), "root cgroup");
	group_remove();
}

int run_error(void)
{
	for (int i = 0; i < last_run->nr_steps; i++) {
		if (last_run->step[i].err)
			return last_run->step[i].err;
	}
	return last_run->signal || last_run->hung || *last_run->wrong ? -EIO : 0;
}

/* A hung process keeps its locks and its memory: only a new guest has neither problem. */
void run_exit_if_hung(const char *hash)
{
	if (!last_run->hung)
		return;
	send_hang(hash, last_run);
	printf("# the operation hangs: this guest ends\n");
	fflush(stdout);
	/*
	 * The host examines this guest and ends it. A time limit would be over at once if the clock
	 * of the guest counts instructions and all tasks sleep.
	 */
	while (record_reaches_host())
		pause();
	exit(KSFT_FAIL);
}
