// SPDX-License-Identifier: GPL-2.0
/* Lack of memory, and huge pages that come and go. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/thp.h"
#include "loads.h"

#define CHUNK (16UL << 20)
#define LEFT_KB (48L << 10)	/* memory that other tasks keep */
#define HUGE_PAGES 8

/*
 * Forks a task that takes memory until only @left_kb are available, and then exits, or if it
 * @holds the memory, waits to be killed. Returns its pid, or -errno.
 */
static pid_t take_memory(long left_kb, bool holds)
{
	pid_t pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* If it is too much, this task must be killed, not the test. */
	if (file_write("/proc/self/oom_score_adj", "1000"))
		_exit(1);
	while (meminfo_kb("MemAvailable") > left_kb) {
		if (mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
			break;
	}
	while (holds)
		pause();
	_exit(0);
}

/* The task that holds most of the memory; another takes the rest again and again. */
static int memory_once(void)
{
	static pid_t holder;
	pid_t pid;

	/* The kernel may have killed it. */
	if (!holder || waitpid(holder, NULL, WNOHANG)) {
		/* Taking all of it must not take as long as the test. */
		setpriority(PRIO_PROCESS, 0, -20);
		holder = take_memory(2 * LEFT_KB, true);
		if (holder < 0)
			return holder;
	}
	pid = take_memory(LEFT_KB, false);
	if (pid < 0)
		return pid == -ENOMEM || pid == -EAGAIN ? 0 : pid;
	waitpid(pid, NULL, 0);
	return 0;
}

const struct load load_memory = {
	.name = "memory",
	.once = memory_once,
	.pause_us = 200000,
};

/* Makes huge pages, splits each by a fork, by protection and by a hole, and frees them. */
static int thp_once(void)
{
	const size_t size = thp_size();
	char *mem = thp_map(HUGE_PAGES);
	pid_t pid;

	if (!mem)
		return -ENOMEM;
	memset(mem, 1, HUGE_PAGES * size);
	pid = fork();
	if (!pid) {
		memset(mem, 2, 2 * size);
		_exit(0);
	}
	for (int i = 0; i < HUGE_PAGES; i++) {
		char *page = mem + i * size;

		if (i % 2)
			mprotect(page, 4096, PROT_READ);
		else
			madvise(page + 4096, 4096, MADV_DONTNEED);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	thp_unmap(mem, HUGE_PAGES);
	return 0;
}

const struct load load_thp = {
	.name = "thp",
	.unavailable = thp_unavailable,
	.once = thp_once,
	.pause_us = 50000,
};
