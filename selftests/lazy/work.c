// SPDX-License-Identifier: GPL-2.0
/* Two threads or processes that split huge PMDs at the same time. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/knobs.h"
#include "lib/thp.h"

#include "lazy/operation.h"

struct work {
	const struct lazy_operation *op;
	struct split *s;
	int wrong;
};

const char *lazy_unavailable(void)
{
	const char *reason = thp_unavailable() ?: point_unavailable(POINT);

	if (!reason && !thp_is_lazy())
		reason = "this kernel deposits the page table of a huge PMD";
	return reason;
}

char *lazy_map(int n)
{
	char *mem = thp_map(n);

	if (mem) {
		madvise(mem, thp_size(), MADV_NOHUGEPAGE);
		mem[0] = 1;
	}
	return mem;
}

int lazy_fail(int times)
{
	return knob_set(POINT, "times", "%d", times);
}

static bool work_once(const struct work *w)
{
	int err = split_discard(w->s) ?: w->op->prepare(w->s);

	if (err)
		return false;
	err = w->op->operate(w->s);
	if (err)
		return err == w->op->err && lazy_is_whole(w->op, w->s);
	return lazy_is_done(w->op, w->s);
}

static void *work(void *arg)
{
	struct work *w = arg;

	for (int i = 0; i < LAZY_WORKS; i++)
		w->wrong += !work_once(w);
	split_discard(w->s);
	return NULL;
}

static int work_by_threads(struct work w[2])
{
	pthread_t other;
	int err = pthread_create(&other, NULL, work, &w[1]);

	if (err)
		return err;
	work(&w[0]);
	pthread_join(other, NULL);
	return w[0].wrong + w[1].wrong;
}

static int work_by_processes(struct work w[2])
{
	pid_t child[2];
	int wrong = 0, status;

	for (int i = 0; i < 2; i++) {
		child[i] = fork();
		if (!child[i]) {
			work(&w[i]);
			_exit(w[i].wrong);
		}
	}
	for (int i = 0; i < 2; i++) {
		if (waitpid(child[i], &status, 0) != child[i] || !WIFEXITED(status))
			wrong++;
		else
			wrong += WEXITSTATUS(status);
	}
	return wrong;
}

int lazy_work_by_two(const struct lazy_operation *op, struct split s[2])
{
	struct work w[2] = {
		{ .op = op, .s = &s[0] },
		{ .op = op, .s = &s[1] },
	};

	return op->forks ? work_by_processes(w) : work_by_threads(w);
}

static void *idle(void *arg)
{
	return arg;
}

int lazy_warm_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, idle, NULL) ?: pthread_join(thread, NULL);
}
