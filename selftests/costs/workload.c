// SPDX-License-Identifier: GPL-2.0
/* What whole workloads cost while alloc is armed but no call of them matches. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "costs.h"

#include "lib/knobs.h"

#define PAGE 4096
#define FAULTS 4096
#define PROCESSES 30
#define FILE_ROUNDS 60	/* so long that the timer ticks of each measurement are as many */
#define MOST_OF_FILE (64 * 1024)
#define ROUNDS 2
#define PROGRAM "/bin/busybox"
#define MODULES "/modules"

/* Maps anonymous memory and writes to each page of it. Returns the number of page faults. */
static long run_faults(void)
{
	size_t size = (size_t)FAULTS * PAGE;
	char *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t at;

	if (start == MAP_FAILED)
		return -errno;
	madvise(start, size, MADV_NOHUGEPAGE);
	for (at = 0; at < size; at += PAGE)
		start[at] = 1;
	munmap(start, size);
	return FAULTS;
}

/* Runs a program again and again. Returns the number of runs. */
static long run_processes(void)
{
	static char *const argv[] = { "true", NULL };
	int i, err, status;
	pid_t pid;

	for (i = 0; i < PROCESSES; i++) {
		err = posix_spawn(&pid, PROGRAM, NULL, NULL, argv, NULL);
		if (err)
			return -err;
		if (waitpid(pid, &status, 0) < 0)
			return -errno;
		if (status)
			return -EPROTO;
	}
	return PROCESSES;
}

/*
 * Reads the first part of a file as a compiler reads a header, which it looks for in other
 * directories first.
 */
static int read_header(const char *name)
{
	static const char * const absent[] = { "/tmp/include", "/bin/include", "/include" };
	char path[512], buf[4 * PAGE];
	struct stat stat;
	size_t i, left = MOST_OF_FILE;
	ssize_t n;
	int fd;

	for (i = 0; i < sizeof(absent) / sizeof(*absent); i++) {
		snprintf(path, sizeof(path), "%s/%s", absent[i], name);
		if (open(path, O_RDONLY | O_CLOEXEC) >= 0)
			return -EEXIST;
	}
	snprintf(path, sizeof(path), MODULES "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat))
		return -errno;
	do {
		n = read(fd, buf, sizeof(buf));
		left -= sizeof(buf);
	} while (n > 0 && left);
	close(fd);
	return n < 0 ? -EIO : 0;
}

/* Lists a directory and reads all its files. Returns the number of files. */
static long read_directory(void)
{
	DIR *dir = opendir(MODULES);
	struct dirent *entry;
	int err = 0;
	long n = 0;

	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir))) {
		if (entry->d_type != DT_REG)
			continue;
		err = read_header(entry->d_name);
		n++;
	}
	closedir(dir);
	return err ?: n;
}

static long run_files(void)
{
	long n, sum = 0;
	int i;

	for (i = 0; i < FILE_ROUNDS; i++) {
		n = read_directory();
		if (n < 0)
			return n;
		sum += n;
	}
	return sum;
}

static const struct workload {
	const char *name;
	long (*run)(void);	/* returns how many operations it did, or -errno */
} all_workloads[] = {
	{ .name = "page-fault", .run = run_faults },
	{ .name = "fork-exec", .run = run_processes },
	{ .name = "open-read", .run = run_files },
};

/* The last round is measured; those before it fill the caches. */
static void workload_measure(const struct workload *w, const char *injector, const char *name)
{
	long long start;
	long n = 1;
	int i;

	for (i = 0; i < ROUNDS && n > 0; i++) {
		start = now_ns();
		n = w->run();
	}
	if (n <= 0) {
		check(n ?: -ENOENT, w->name);
		return;
	}
	report(w->name, injector, name, (now_ns() - start) / n);
}

void workloads_report(const char *injector, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(all_workloads) / sizeof(*all_workloads); i++)
		workload_measure(&all_workloads[i], injector, name);
}

void measure_workloads_without(void)
{
	workloads_report("none", "not-loaded");
	if (!access("/sys/kernel/debug/fail_function", F_OK))
		peers_workloads();
}

void measure_workloads(void)
{
	workloads_report("errpath", "disarmed");
	check(point_arm_other("alloc"), "alloc");
	workloads_report("errpath", "task-mismatch");
	check(point_arm("alloc", "self", ELSEWHERE), "alloc");
	workloads_report("errpath", "caller-mismatch");
	check(point_arm("alloc", "self", "stack:" ELSEWHERE), "alloc");
	workloads_report("errpath", "stack-mismatch");
	check(disarm("alloc"), "disarming");
}
