// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "loads.h"

#define PAUSE_US 10000

static const struct load * const loads[] = {
	&load_fork, &load_memory, &load_thp,
	&load_hotplug, &load_dimm,
	&load_cpus, &load_modules,
	&load_kprobe, &load_fprobe, &load_function_graph, &load_fentry,
};

/* What a load writes and the test reads, by __atomic functions. */
struct load_state {
	long times;
	int err;
};

static struct load_state *states;
static pid_t pids[ARRAY_SIZE(loads)];

static void __attribute__((noreturn)) load_run(const struct load *load, struct load_state *state)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The test may hold the guard, which is released when no process has it open. */
	close_range(3, ~0U, 0);
	/* The test kills all that the load has forked. */
	setpgid(0, 0);
	/* Leave processors to the others: each of them must get something done. */
	setpriority(PRIO_PROCESS, 0, 5);
	for (;; usleep(load->pause_us ?: PAUSE_US)) {
		int err = load->once();

		if (err) {
			__atomic_store_n(&state->err, err, __ATOMIC_RELAXED);
			_exit(1);
		}
		__atomic_fetch_add(&state->times, 1, __ATOMIC_RELAXED);
	}
}

int loads_start(void)
{
	states = mmap(NULL, sizeof(*states) * ARRAY_SIZE(loads), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (states == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		const char *reason = loads[i]->unavailable ? loads[i]->unavailable() : NULL;

		if (reason) {
			printf("# no load %s: %s\n", loads[i]->name, reason);
			continue;
		}
		fflush(stdout);
		pids[i] = fork();
		if (pids[i] < 0)
			return -errno;
		if (!pids[i])
			load_run(loads[i], &states[i]);
		setpgid(pids[i], pids[i]);
	}
	return 0;
}

static bool loads_have_run(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		if (pids[i] > 0 && !__atomic_load_n(&states[i].times, __ATOMIC_RELAXED))
			return false;
	}
	return true;
}

bool loads_wait(int seconds)
{
	for (int i = 0; i < 10 * seconds && !loads_have_run(); i++)
		usleep(100000);
	return loads_have_run();
}

int loads_check(void)
{
	int err, stopped = 0;

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		if (pids[i] <= 0)
			continue;
		printf("# load %s: %ld times\n", loads[i]->name,
		       __atomic_load_n(&states[i].times, __ATOMIC_RELAXED));
		err = __atomic_load_n(&states[i].err, __ATOMIC_RELAXED);
		if (!err)
			continue;
		printf("# load %s has stopped: %s\n", loads[i]->name, strerror(-err));
		stopped++;
	}
	return stopped;
}

int loads_stop(void)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		if (pids[i] <= 0)
			continue;
		kill(-pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		pids[i] = 0;
		if (!loads[i]->undo)
			continue;
		err = loads[i]->undo();
		if (err) {
			printf("# load %s: undo: %s\n", loads[i]->name, strerror(-err));
			break;
		}
	}
	munmap(states, sizeof(*states) * ARRAY_SIZE(loads));
	return err;
}
