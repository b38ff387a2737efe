// SPDX-License-Identifier: GPL-2.0
/*
 * The knob tasks: calls fail only in the tasks that it names. "process:PID" names all
 * threads of a process. Tasks that a named task creates later are included, however the
 * kernel creates them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>

#include "lib/harness.h"

#include "lib/file.h"
#include "lib/kmsg.h"
#include "lib/knobs.h"
#include "lib/target.h"
#include "lib/uring.h"

#define POINT "target"
#define CALLS 3
#define THREADS 8
#define MANY_THREADS 1500
#define CALL_FILE "/sys/kernel/debug/errpath_target/call"

static char listed[65536];

/* Returns true if the knob tasks lists this task. */
static bool is_listed(int tid)
{
	char *word, *save, text[sizeof(listed)];

	if (knob_get(POINT, "tasks", listed, sizeof(listed)))
		return false;
	memcpy(text, listed, sizeof(text));
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (atoi(word) == tid)
			return true;
	}
	return false;
}

/* Makes CALLS calls in this thread. Returns how many failed, or -errno. */
static long failed_calls(void)
{
	struct target_calls calls;
	int err = target_call(CALLS, "traced", "task", &calls);

	return err ?: (long)calls.failed;
}

/* Arms the point to fail all calls of @tasks. Returns 0 or -errno. */
static int arm_tasks(const char *tasks)
{
	int err = knob_set(POINT, "tasks", "%s", tasks);

	if (!err)
		err = knob_set(POINT, "times", "-1");
	return err ?: knob_set(POINT, "probability", "100");
}

FIXTURE(tasks)
{
	int guard;
};

FIXTURE_SETUP(tasks)
{
	const char *reason = point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
}

FIXTURE_TEARDOWN_PARENT(tasks)
{
	EXPECT_STREQ("off", point_state(POINT));
}

/* Returns the id of a worker of io_uring, which the kernel creates without fork, or 0. */
static int find_io_worker(void)
{
	DIR *dir = opendir("/proc/self/task");
	char path[512], comm[64];
	struct dirent *entry;
	int tid = 0;

	while (dir && !tid && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		if (file_read(path, comm, sizeof(comm)) > 0 && !strncmp(comm, "iou-wrk-", 8))
			tid = atoi(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return tid;
}

/* Makes CALLS calls in a worker of the ring. Returns how many failed, or -errno. */
static long failed_calls_of_worker(struct uring *ring)
{
	char order[32], text[128];
	int fd = open(CALL_FILE, O_RDWR | O_CLOEXEC), size;
	long ret, failed = -EPROTO;

	if (fd < 0)
		return -errno;
	size = snprintf(order, sizeof(order), "%d traced task", CALLS);
	ret = uring_write_in_worker(ring, fd, order, size);
	memset(text, 0, sizeof(text));
	if (ret == size && pread(fd, text, sizeof(text) - 1, 0) > 0)
		sscanf(text, "calls %*d failed %ld", &failed);
	close(fd);
	return ret < 0 ? ret : failed;
}

TEST_F(tasks, io_worker_follows)
{
	struct uring ring;
	int worker;

	ASSERT_EQ(0, uring_open(&ring));
	ASSERT_EQ(0, arm_tasks("self"));
	EXPECT_EQ(CALLS, failed_calls_of_worker(&ring));
	worker = find_io_worker();
	ASSERT_LT(0, worker);
	EXPECT_TRUE(is_listed(worker))
		TH_LOG("worker %d, tasks %s", worker, listed);
}

/* The process has a worker before it is named. */
TEST_F(tasks, process_has_io_workers)
{
	struct uring ring;
	int worker;

	ASSERT_EQ(0, uring_open(&ring));
	EXPECT_EQ(0, failed_calls_of_worker(&ring));
	worker = find_io_worker();
	ASSERT_LT(0, worker);
	ASSERT_EQ(0, arm_tasks("process:self"));
	EXPECT_TRUE(is_listed(worker))
		TH_LOG("worker %d, tasks %s", worker, listed);
	EXPECT_EQ(CALLS, failed_calls_of_worker(&ring));
}

/* Threads that wait, make CALLS calls, and wait again. */
struct threads {
	pthread_barrier_t start, called, end;
	pthread_t thread[THREADS];
	int nr;
	long failed;
};

static void *call_once_started(void *data)
{
	struct threads *threads = data;
	long failed;

	pthread_barrier_wait(&threads->start);
	failed = failed_calls();
	__atomic_add_fetch(&threads->failed, failed, __ATOMIC_RELAXED);
	pthread_barrier_wait(&threads->called);
	pthread_barrier_wait(&threads->end);
	return NULL;
}

static int threads_create(struct threads *threads, int nr)
{
	threads->nr = nr;
	threads->failed = 0;
	pthread_barrier_init(&threads->start, NULL, nr + 1);
	pthread_barrier_init(&threads->called, NULL, nr + 1);
	pthread_barrier_init(&threads->end, NULL, nr + 1);
	for (int i = 0; i < nr; i++) {
		int err = pthread_create(&threads->thread[i], NULL, call_once_started, threads);

		if (err)
			return -err;
	}
	return 0;
}

/* Lets all threads make their calls. Returns how many calls failed. */
static long threads_call(struct threads *threads)
{
	pthread_barrier_wait(&threads->start);
	pthread_barrier_wait(&threads->called);
	return threads->failed;
}

static void threads_end(struct threads *threads)
{
	pthread_barrier_wait(&threads->end);
	for (int i = 0; i < threads->nr; i++)
		pthread_join(threads->thread[i], NULL);
}

TEST_F(tasks, process_has_all_threads)
{
	struct threads before, after;
	struct stats stats;

	/* Create threads before and after the arming. */
	ASSERT_EQ(0, threads_create(&before, THREADS));
	ASSERT_EQ(0, arm_tasks("process:self"));
	ASSERT_EQ(0, threads_create(&after, 1));

	/* All their calls must fail. */
	EXPECT_EQ(THREADS * CALLS, threads_call(&before));
	EXPECT_EQ(CALLS, threads_call(&after));
	EXPECT_EQ(CALLS, failed_calls());
	ASSERT_EQ(0, stats_read(POINT, &stats));
	EXPECT_EQ((THREADS + 2) * CALLS, stats.injected);
	threads_end(&before);
	threads_end(&after);
}

/* A number without "process:" names only one thread. */
TEST_F(tasks, pid_is_one_thread)
{
	struct threads before;

	ASSERT_EQ(0, threads_create(&before, THREADS));
	ASSERT_EQ(0, arm_tasks("self"));
	EXPECT_EQ(0, threads_call(&before));
	EXPECT_EQ(CALLS, failed_calls());
	threads_end(&before);
}

/*
 * Forks a child with threads. It writes a byte to @ready, reads one from @go, makes the
 * calls, and exits with the number of those that failed.
 */
static pid_t child_with_threads(int ready, int go)
{
	struct threads threads;
	pid_t pid = fork();
	char c = 'r';

	if (pid)
		return pid;
	if (threads_create(&threads, THREADS) || write(ready, &c, 1) != 1 || read(go, &c, 1) != 1)
		_exit(255);
	_exit(threads_call(&threads) + failed_calls());
}

TEST_F(tasks, process_by_pid)
{
	int ready[2], go[2], status;
	pid_t named, other;
	char c, word[32];

	/* Fork two processes with threads. */
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	named = child_with_threads(ready[1], go[0]);
	other = child_with_threads(ready[1], go[0]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(1, read(ready[0], &c, 1));

	/* Name one of them, and let both call. */
	snprintf(word, sizeof(word), "1 process:%d", named);
	EXPECT_EQ(0, arm_tasks(word));
	ASSERT_EQ(2, write(go[1], "gg", 2));

	/* All calls of the named process must fail, and no other. */
	ASSERT_EQ(named, waitpid(named, &status, 0));
	EXPECT_EQ((THREADS + 1) * CALLS, WEXITSTATUS(status));
	ASSERT_EQ(other, waitpid(other, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(0, failed_calls());
}

TEST_F(tasks, wrong_process_is_refused)
{
	static const char * const words[] = {
		"process:", "process:0", "process:-1", "process:me", "process:1x", "process",
		"process: 1", "1 process:", "Process:self",
	};
	char text[64];

	ASSERT_EQ(0, knob_set(POINT, "tasks", "1"));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		EXPECT_EQ(-EINVAL, knob_set(POINT, "tasks", "%s", words[i]))
			TH_LOG("\"%s\"", words[i]);
	}
	/* A valid number, but no process has this id. */
	EXPECT_EQ(-ESRCH, knob_set(POINT, "tasks", "process:2147483647"));
	ASSERT_EQ(0, knob_get(POINT, "tasks", text, sizeof(text)));
	EXPECT_STREQ("1", text);
}

static pthread_barrier_t many_start, many_end;
static long many_failed;

static void *call_between(void *data)
{
	pthread_barrier_wait(&many_start);
	__atomic_fetch_add(&many_failed, failed_calls(), __ATOMIC_RELAXED);
	pthread_barrier_wait(&many_end);
	return data;
}

static void *wait_for_end(void *data)
{
	pthread_barrier_wait(&many_end);
	return data;
}

/* Returns the number of tasks of this process that the knob does not list, or -1. */
static int count_unlisted(void)
{
	char list[sizeof(listed) + 2], word[32];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	if (knob_get(POINT, "tasks", listed, sizeof(listed)))
		return -1;
	dir = opendir("/proc/self/task");
	if (!dir)
		return -1;
	snprintf(list, sizeof(list), " %s ", listed);
	while ((entry = readdir(dir))) {
		snprintf(word, sizeof(word), " %.20s ", entry->d_name);
		if (entry->d_name[0] != '.' && !strstr(list, word))
			n++;
	}
	closedir(dir);
	return n;
}

/* Creates MANY_THREADS threads with small stacks. Returns 0 or an errno. */
static int create_many(void *(*run)(void *data))
{
	const size_t least = PTHREAD_STACK_MIN, usual = 64 << 10;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	err = pthread_barrier_init(&many_start, NULL, MANY_THREADS + 1);
	if (!err)
		err = pthread_barrier_init(&many_end, NULL, MANY_THREADS + 1);
	if (!err)
		err = pthread_attr_init(&attr);
	if (!err)
		err = pthread_attr_setstacksize(&attr, least > usual ? least : usual);
	for (int i = 0; i < MANY_THREADS && !err; i++)
		err = pthread_create(&thread, &attr, run, NULL);
	return err;
}

/* Some of so many threads have the same hash as the named one. */
TEST_F(tasks, no_other_thread_fails)
{
	struct stats stats;

	ASSERT_EQ(0, create_many(call_between));
	ASSERT_EQ(0, arm_tasks("self"));
	pthread_barrier_wait(&many_start);
	pthread_barrier_wait(&many_end);
	EXPECT_EQ(0, many_failed);
	ASSERT_EQ(0, stats_read(POINT, &stats));
	EXPECT_EQ(MANY_THREADS * CALLS, stats.seen);
	EXPECT_EQ(CALLS, failed_calls());
}

/* If the threads are too many, the write must fail and change nothing. */
TEST_F(tasks, no_thread_is_dropped)
{
	char text[64];
	int err;

	ASSERT_EQ(0, create_many(wait_for_end));

	/* Name them all. */
	ASSERT_EQ(0, knob_set(POINT, "tasks", "1"));
	err = knob_set(POINT, "tasks", "process:self");
	if (err == -ENOSPC) {
		ASSERT_EQ(0, knob_get(POINT, "tasks", text, sizeof(text)));
		EXPECT_STREQ("1", text);
	} else {
		EXPECT_EQ(0, err);
		EXPECT_EQ(0, count_unlisted());
	}
	pthread_barrier_wait(&many_end);
}

/* An armed point whose task filter passes no task has its own state, and logs a warning. */
TEST_F(tasks, nobody_is_named)
{
	int log = kmsg_open();

	/* Arm the point without a task. */
	ASSERT_LE(0, log);
	ASSERT_EQ(0, arm_tasks(" "));
	EXPECT_STREQ("nobody", point_state(POINT));
	EXPECT_EQ(1, kmsg_count(log, "^errpath: " POINT ".*names no task"));
	EXPECT_EQ(0, failed_calls());

	/* Name this task. */
	ASSERT_EQ(0, knob_set(POINT, "tasks", "self"));
	EXPECT_STREQ("armed", point_state(POINT));
	EXPECT_EQ(CALLS, failed_calls());

	/* Name no task, then switch the filter off. */
	ASSERT_EQ(0, knob_set(POINT, "tasks", " "));
	EXPECT_STREQ("nobody", point_state(POINT));
	ASSERT_EQ(0, knob_set(POINT, "task-filter", "N"));
	EXPECT_STREQ("armed", point_state(POINT));
	EXPECT_EQ(CALLS, failed_calls());
	ASSERT_EQ(0, disarm(POINT));
	EXPECT_STREQ("off", point_state(POINT));

	/* Name a task before the arming: no warning may be logged. */
	ASSERT_EQ(0, knob_set(POINT, "task-filter", "Y"));
	kmsg_count(log, "drain");
	ASSERT_EQ(0, arm_tasks("self"));
	EXPECT_STREQ("armed", point_state(POINT));
	EXPECT_EQ(0, kmsg_count(log, "names no task"));
	close(log);
}

TEST_HARNESS_MAIN
