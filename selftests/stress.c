// SPDX-License-Identifier: GPL-2.0
/*
 * All points are armed while the kernel lacks memory, forks, splits huge pages, adds and removes
 * memory and processors, loads modules, and is traced. Every call that is made is counted, those
 * fail that were asked for and no others, and nothing is lost.
 *
 * ERRPATH_SECONDS: how long a test runs (default: 5)
 */
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "lib/harness.h"

#include "lib/counters.h"
#include "lib/gauges.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/splat.h"
#include "lib/target.h"
#include "loads/loads.h"

#define CALLERS 4
#define CALLS 200		/* in one order */
#define LIMIT 60		/* seconds until each load has run once */
#define EVERY 7			/* each seventh call of target_notrace fails */

/* What a process counts that calls the functions of errpath_target.ko. */
struct caller {
	pid_t pid;
	bool end;		/* __atomic */
	int err;
	unsigned long traced, notrace, failed;
};

static int seconds(void)
{
	return atoi(getenv("ERRPATH_SECONDS") ?: "5");
}

static int slow(void)
{
	return atoi(getenv("ERRPATH_SLOW") ?: "1");
}

/* Calls both functions in all contexts, until it is asked to end. */
static void __attribute__((noreturn)) caller_run(struct caller *c)
{
	static const char * const contexts[] = { "task", "atomic", "softirq", "irq" };
	struct target_calls calls;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	nice(10);	/* leaves processors to the loads */
	for (int i = 0; !__atomic_load_n(&c->end, __ATOMIC_RELAXED) && !c->err; i++) {
		const char *context = contexts[i % ARRAY_SIZE(contexts)];

		c->err = target_call(CALLS, "traced", context, &calls);
		if (c->err)
			break;
		c->traced += calls.made;
		if (calls.failed)
			c->err = -EILSEQ;
		/* The handler of an int3 kprobe takes no call of an interrupt. */
		c->err = c->err ?: target_call(CALLS, "notrace", "task", &calls);
		c->notrace += calls.made;
		c->failed += calls.failed;
		/* synchronize_rcu_tasks(), which removes hooks, waits until each task has slept. */
		usleep(1000);
	}
	_exit(!!c->err);
}

FIXTURE(stress)
{
	int guard;
	pid_t sleeper;
	struct caller *callers;
	struct splat splat;
	bool loaded;
};

FIXTURE_SETUP(stress)
{
	ASSERT_EQ(0, splat_open(&self->splat));
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->callers = mmap(NULL, CALLERS * sizeof(*self->callers), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->callers);
	self->sleeper = fork();
	if (!self->sleeper) {
		close(self->guard);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	ASSERT_LT(0, self->sleeper);
}

FIXTURE_TEARDOWN(stress)
{
	EXPECT_EQ(0, loads_stop());
	for (int i = 0; i < CALLERS; i++) {
		if (self->callers[i].pid > 0) {
			kill(self->callers[i].pid, SIGKILL);
			waitpid(self->callers[i].pid, NULL, 0);
		}
	}
	kill(self->sleeper, SIGKILL);
	waitpid(self->sleeper, NULL, 0);
	close(self->guard);
	EXPECT_EQ(0, splat_close(&self->splat));
}

static int arm_for(const char *point, pid_t task)
{
	int err = knob_set(point, "tasks", "%d", task);

	if (!err)
		err = knob_set(point, "times", "-1");
	if (!err)
		err = knob_set(point, "probability", "100");
	if (err)
		printf("# %s cannot be armed: %s\n", point, strerror(-err));
	return err;
}

/*
 * Arms every point that this kernel has for a task that sleeps; not dax_memmap, whose function
 * section_activate has, too. Returns how many, or -errno.
 */
static int arm_all_for(pid_t task)
{
	DIR *dir = opendir(ERRPATH);
	struct dirent *entry;
	int armed = 0, err = 0;

	while (dir && !err && (entry = readdir(dir))) {
		const char *point = entry->d_name;

		if (entry->d_type != DT_DIR || point[0] == '.' || point_unavailable(point) ||
		    !strcmp(point, "target_notrace") || !strcmp(point, "dax_memmap"))
			continue;
		err = arm_for(point, task);
		armed++;
	}
	if (dir)
		closedir(dir);
	return err ?: armed;
}

/* Each seventh call of these processes fails. */
static int arm_every_seventh(const struct caller *callers)
{
	char tasks[CALLERS * 12] = "";
	int err;

	for (int i = 0; i < CALLERS; i++)
		snprintf(tasks + strlen(tasks), sizeof(tasks) - strlen(tasks), "%d ",
			 callers[i].pid);
	tasks[strlen(tasks) - 1] = '\0';
	err = knob_set("target_notrace", "verbose", "0");
	err = err ?: knob_set("target_notrace", "tasks", "%s", tasks);
	err = err ?: knob_set("target_notrace", "interval", "%d", EVERY);
	err = err ?: knob_set("target_notrace", "times", "-1");
	return err ?: knob_set("target_notrace", "probability", "100");
}

static int callers_start(struct caller *callers)
{
	for (int i = 0; i < CALLERS; i++) {
		pid_t pid = fork();

		/* They begin when all points are armed. */
		if (!pid) {
			raise(SIGSTOP);
			caller_run(&callers[i]);
		}
		if (pid < 0 || waitpid(pid, NULL, WUNTRACED) != pid)
			return -errno;
		callers[i].pid = pid;
	}
	return 0;
}

static void callers_end(struct caller *callers, struct caller *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (int i = 0; i < CALLERS; i++) {
		__atomic_store_n(&callers[i].end, true, __ATOMIC_RELAXED);
		waitpid(callers[i].pid, NULL, 0);
		callers[i].pid = 0;
		sum->err = sum->err ?: callers[i].err;
		sum->traced += callers[i].traced;
		sum->notrace += callers[i].notrace;
		sum->failed += callers[i].failed;
	}
}

TEST_F_TIMEOUT(stress, every_call_is_counted, 100)
{
	struct stats traced, notrace;
	struct caller sum;
	int armed;

	/* Arm all points, one of them for the tasks that call its function. */
	armed = arm_all_for(self->sleeper);
	ASSERT_LT(1, armed);
	ASSERT_EQ(0, callers_start(self->callers));
	ASSERT_EQ(0, arm_every_seventh(self->callers));

	/* Run the loads and the calls. */
	ASSERT_EQ(0, loads_start());
	for (int i = 0; i < CALLERS; i++)
		kill(self->callers[i].pid, SIGCONT);
	sleep(seconds());
	EXPECT_TRUE(loads_wait(LIMIT * slow()));
	callers_end(self->callers, &sum);
	EXPECT_EQ(0, loads_check());
	ASSERT_EQ(0, loads_stop());

	/* Compare what the points counted with what the tasks counted. */
	ASSERT_EQ(0, stats_read("target", &traced));
	ASSERT_EQ(0, stats_read("target_notrace", &notrace));
	printf("# %d points, %lu and %lu calls, %lu failed\n", armed, sum.traced, sum.notrace,
	       sum.failed);
	printf("# target: seen %ld, missed %ld\n", traced.seen, traced.missed);
	printf("# target_notrace: seen %ld, missed %ld, injected %ld\n", notrace.seen,
	       notrace.missed, notrace.injected);
	EXPECT_EQ(0, sum.err);
	EXPECT_LT(0, sum.traced);
	EXPECT_EQ(sum.traced, traced.seen + traced.missed);
	EXPECT_EQ(0, traced.injected);
	EXPECT_EQ(sum.notrace, notrace.seen + notrace.missed);
	EXPECT_EQ(sum.failed, notrace.injected);
	EXPECT_EQ(notrace.matched / EVERY, notrace.injected);
}

/* Returns the pages that are neither free nor counted as used, or -1. */
static long unaccounted(void)
{
	static struct counters now, last;

	return counters_read_steady(&now, &last) ? -1 :
	       counters_value(&now, COUNTERS_UNACCOUNTED);
}

/*
 * Arms and disarms while the loads run: what arming allocates comes back. Two points, because each
 * time takes seconds: it waits until each task has slept.
 */
TEST_F_TIMEOUT(stress, arming_loses_nothing, 100)
{
	long before, after;
	int rounds = 0;

	/* Let each load fill what the kernel keeps. */
	ASSERT_EQ(0, loads_start());
	ASSERT_TRUE(loads_wait(LIMIT * slow()));
	EXPECT_EQ(0, loads_check());
	ASSERT_EQ(0, loads_stop());
	before = unaccounted();
	ASSERT_LE(0, before);

	/* Arm and disarm. */
	ASSERT_EQ(0, loads_start());
	for (time_t end = time(NULL) + seconds(); time(NULL) < end; rounds++) {
		ASSERT_EQ(0, arm_for("alloc", self->sleeper));
		ASSERT_EQ(0, arm_for("target", self->sleeper));
		close(self->guard);
		self->guard = guard_open();
		ASSERT_LE(0, self->guard);
	}
	EXPECT_EQ(0, loads_check());
	ASSERT_EQ(0, loads_stop());

	after = unaccounted();
	printf("# %d rounds, unaccounted pages: %ld before, %ld after\n", rounds, before, after);
	EXPECT_LE(after - before, gauge_bound(COUNTERS_UNACCOUNTED));
}

TEST_HARNESS_MAIN
