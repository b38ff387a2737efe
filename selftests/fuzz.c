// SPDX-License-Identifier: GPL-2.0
/*
 * Random input to the files of errpath and of the stimulus modules, by several tasks that are
 * killed at random moments, while stimuli and programs run, and modules are loaded and unloaded.
 * Only tasks of the test are named to errpath. The kernel must not complain, and afterwards
 * errpath must be as after loading.
 *
 * ERRPATH_SECONDS: how long it runs (default: 10)
 * ERRPATH_SEED: the number that decides what each task does (default: the time; it is printed)
 */
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "lib/harness.h"

#include "fuzzing/fuzzing.h"
#include "lib/counters.h"
#include "lib/file.h"
#include "lib/gauges.h"
#include "lib/kmsg.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/splat.h"

#define KILL_US 50000		/* between two workers that are killed */
#define ROUND 8			/* workers that are killed until errpath is unloaded */
#define PATIENCE 60		/* seconds more, until each action was accepted once */
#define DEFAULTS 1024

/* A knob, and the value that it has after loading. */
struct setting {
	char point[64], knob[64], value[256];
};

static const char * const stimuli[] = { "errpath_alloc", "errpath_scope", "errpath_migrate" };

FIXTURE(fuzz)
{
	struct splat splat;
	struct shared *shared;
	struct setting *defaults;
	int nr_defaults;
	unsigned long long seed;
	bool loaded[ARRAY_SIZE(stimuli)];
};

/* Reads all knobs of a point. @stats count only while a point is armed. */
static int settings_read_point(struct setting *to, int nr, const char *point)
{
	char path[300];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), ERRPATH "/%s", point);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && nr < DEFAULTS) {
		struct setting *s = &to[nr];
		char value[8192];

		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "stats"))
			continue;
		snprintf(s->point, sizeof(s->point), "%.63s", point);
		snprintf(s->knob, sizeof(s->knob), "%.63s", entry->d_name);
		if (knob_get(point, s->knob, value, sizeof(value)))
			snprintf(value, sizeof(value), "cannot be read");
		snprintf(s->value, sizeof(s->value), "%.255s", value);
		nr++;
	}
	if (dir)
		closedir(dir);
	return nr;
}

/* Reads the knobs of all points. Returns how many there are. */
static int settings_read(struct setting *to)
{
	DIR *dir = opendir(ERRPATH);
	struct dirent *entry;
	int nr = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			nr = settings_read_point(to, nr, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return nr;
}

static unsigned long long seed_choose(void)
{
	const char *seed = getenv("ERRPATH_SEED");

	return seed ? strtoull(seed, NULL, 0) : (unsigned long long)time(NULL);
}

static int seconds(void)
{
	return atoi(getenv("ERRPATH_SECONDS") ?: "10");
}

FIXTURE_SETUP(fuzz)
{
	self->seed = seed_choose();
	ASSERT_EQ(0, splat_open(&self->splat));
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	self->defaults = calloc(DEFAULTS, sizeof(*self->defaults));
	ASSERT_NE(NULL, self->defaults);
	for (size_t i = 0; i < ARRAY_SIZE(stimuli); i++) {
		self->loaded[i] = module_exists(stimuli[i]) && !module_loaded(stimuli[i]);
		if (self->loaded[i])
			ASSERT_EQ(0, module_load(stimuli[i], ""));
	}
	self->nr_defaults = settings_read(self->defaults);
	ASSERT_LT(0, self->nr_defaults);
	ASSERT_GT(DEFAULTS, self->nr_defaults);
}

FIXTURE_TEARDOWN(fuzz)
{
	for (int i = 0; i < WORKERS; i++) {
		if (self->shared->pids[i] > 0) {
			kill(self->shared->pids[i], SIGKILL);
			waitpid(self->shared->pids[i], NULL, 0);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(stimuli); i++) {
		if (self->loaded[i])
			EXPECT_EQ(0, module_unload(stimuli[i]));
	}
	if (!module_loaded("errpath"))
		EXPECT_EQ(0, module_load("errpath", ""));
	EXPECT_EQ(0, splat_close(&self->splat));
}

static void __attribute__((noreturn)) worker_run(struct shared *shared, unsigned long long seed)
{
	struct random r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	random_seed(&r, seed);
	for (;;) {
		int i = random_below(&r, nr_actions);

		unsigned long *counts = actions[i].act(&r, shared) ? shared->accepted :
								     shared->refused;

		__atomic_fetch_add(&counts[i], 1, __ATOMIC_RELAXED);
	}
}

/* Starts worker @i as the @nth of all. Returns 0 or -errno. */
static int worker_start(struct shared *shared, int i, unsigned long long seed, int nth)
{
	pid_t pid = fork();

	if (!pid)
		worker_run(shared, seed + nth * 0x100000001ULL);
	if (pid < 0)
		return -errno;
	__atomic_store_n(&shared->pids[i], pid, __ATOMIC_RELAXED);
	return 0;
}

static void worker_kill(struct shared *shared, int i)
{
	if (!shared->pids[i])
		return;
	kill(shared->pids[i], SIGKILL);
	waitpid(shared->pids[i], NULL, 0);
	__atomic_store_n(&shared->pids[i], 0, __ATOMIC_RELAXED);
}

static bool all_accepted(struct shared *shared)
{
	for (int i = 0; i < nr_actions; i++) {
		if (!__atomic_load_n(&shared->accepted[i], __ATOMIC_RELAXED))
			return false;
	}
	return true;
}

/* @killed: workers so far; @end: when enough time has passed. */
static bool is_over(struct shared *shared, int killed, time_t end)
{
	if (killed < 2 * ROUND || time(NULL) < end)
		return false;
	return all_accepted(shared) || time(NULL) >= end + PATIENCE;
}

/* Reads the log before its records are overwritten. Returns the number of splats. */
static int log_drain(struct splat *s)
{
	int splats = splat_close(s);

	return splat_open(s) ? -1 : splats;
}

/* Unloads errpath, which may be refused, and loads it again. Returns whether it was unloaded. */
static bool reload(struct __test_metadata *_metadata)
{
	int err = module_unload("errpath");

	if (err) {
		EXPECT_TRUE(err == -EBUSY || err == -EAGAIN) TH_LOG("rmmod: %s", strerror(-err));
		return false;
	}
	EXPECT_EQ(0, module_load("errpath", ""));
	return true;
}

/* All knobs are as after loading, no point is armed, and none is left that was added. */
static void expect_defaults(struct __test_metadata *_metadata, const struct setting *defaults,
			    int nr)
{
	static struct setting now[DEFAULTS];
	int nr_now;
	char text[256];

	nr_now = settings_read(now);
	EXPECT_EQ(nr, nr_now);
	for (int i = 0; i < nr && nr == nr_now; i++) {
		EXPECT_STREQ(defaults[i].point, now[i].point);
		EXPECT_STREQ(defaults[i].value, now[i].value)
			TH_LOG("%s/%s", now[i].point, now[i].knob);
		EXPECT_STRNE("armed", point_state(now[i].point));
	}
	EXPECT_EQ(0, file_read(ERRPATH "/functions", text, sizeof(text)));
}

TEST_F_TIMEOUT(fuzz, input_and_kills, 100)
{
	int guard, started = 0, killed = 0, reloaded = 0, splats = 0;
	struct shared *shared = self->shared;
	struct random r;
	time_t end;

	printf("# repeat with: ERRPATH_SEED=%llu ERRPATH_SECONDS=%d\n", self->seed, seconds());
	fflush(stdout);
	random_seed(&r, self->seed);
	for (; started < WORKERS; started++)
		ASSERT_EQ(0, worker_start(shared, started, self->seed, started));

	/*
	 * Kill workers and replace them. Unload errpath now and then: while others use it,
	 * which it may refuse, and after all of them were killed, which it must not.
	 */
	end = time(NULL) + seconds();
	for (; !is_over(shared, killed, end); killed++) {
		int i = random_below(&r, WORKERS);

		usleep(KILL_US);
		worker_kill(shared, i);
		if (killed % ROUND == ROUND / 2)
			reloaded += reload(_metadata);
		if (killed % ROUND == ROUND - 1) {
			for (i = 0; i < WORKERS; i++)
				worker_kill(shared, i);
			EXPECT_TRUE(reload(_metadata));
			reloaded++;
		}
		for (i = 0; i < WORKERS; i++) {
			if (!shared->pids[i])
				ASSERT_EQ(0, worker_start(shared, i, self->seed, started++));
		}
		splats += log_drain(&self->splat);
	}
	for (int i = 0; i < WORKERS; i++)
		worker_kill(shared, i);
	EXPECT_EQ(0, splats);

	/* Each action must have had an effect; most must have been refused, too. */
	for (int i = 0; i < nr_actions; i++) {
		printf("# %s: %lu accepted, %lu refused\n", actions[i].name, shared->accepted[i],
		       shared->refused[i]);
		EXPECT_LT(0, shared->accepted[i]) TH_LOG("%s", actions[i].name);
	}
	EXPECT_LT(0, shared->refused[0]);
	printf("# %d tasks killed, errpath unloaded %d times\n", killed, reloaded);

	/* The guard resets everything, also what the tasks had left alone; the module can go. */
	for (int i = 0; i < self->nr_defaults; i++) {
		if (!strcmp(self->defaults[i].knob, "times"))
			EXPECT_EQ(0, knob_set(self->defaults[i].point, "times", "7"));
	}
	guard = guard_open();
	ASSERT_LE(0, guard);
	close(guard);
	expect_defaults(_metadata, self->defaults, self->nr_defaults);
	EXPECT_TRUE(reload(_metadata));
	expect_defaults(_metadata, self->defaults, self->nr_defaults);
}

TEST_HARNESS_MAIN
