// SPDX-License-Identifier: GPL-2.0
/*
 * Each knob of a failure point does what the manual says, and no other call fails. The
 * values that a knob takes are in knob/values.c, the tests of loading in knob/loading.c.
 */
#include <signal.h>
#include <time.h>

#include "lib/harness_parts.h"

#include "lib/file.h"
#include "lib/kmsg.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/symbols.h"
#include "lib/target.h"

#include "knob/calls.h"
#include "knob/values.h"

/* In a child; its exit status is the number of calls that failed. */
#define CALLS 3

FIXTURE(knobs)
{
	int guard;
};

FIXTURE_VARIANT(knobs)
{
	const char *point;
	const char *which;	/* see target_call() */
	const char *function;
	const char *traced;	/* the start of its tracepoint's line */
};

FIXTURE_VARIANT_ADD(knobs, traced)
{
	.point = "target",
	.which = "traced",
	.function = "errpath_target",
	.traced = "inject: point=target ",
};

FIXTURE_VARIANT_ADD(knobs, notrace)
{
	.point = "target_notrace",
	.which = "notrace",
	.function = "errpath_target_notrace",
	.traced = "inject: point=target_notrace ",
};

FIXTURE_SETUP(knobs)
{
	const char *reason = point_unavailable(variant->point);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
}

FIXTURE_TEARDOWN_PARENT(knobs)
{
	EXPECT_STREQ("off", point_state(variant->point));
}

TEST_F(knobs, defaults)
{
	EXPECT_EQ(0, knobs_not_default(variant->point));
	EXPECT_STREQ("off", point_state(variant->point));
	EXPECT_EQ(0, calls_failed(variant->which, 1));
}

TEST_F(knobs, formats)
{
	for (const struct knob_good *good = knob_good; good->knob; good++) {
		EXPECT_EQ(0, knob_set(variant->point, good->knob, "%s", good->text))
			TH_LOG("%s \"%s\"", good->knob, good->text);
		EXPECT_TRUE(knob_shows(variant->point, good->knob, good->value));
	}
}

TEST_F(knobs, wrong_input_changes_nothing)
{
	char before[1024], after[1024];

	ASSERT_EQ(0, knobs_set_good(variant->point));
	for (const struct knob_bad *bad = knob_bad; bad->knob; bad++) {
		ASSERT_EQ(0, knob_get(variant->point, bad->knob, before, sizeof(before)));
		EXPECT_EQ(-EINVAL, knob_set(variant->point, bad->knob, "%s", bad->text))
			TH_LOG("%s \"%s\"", bad->knob, bad->text);
		ASSERT_EQ(0, knob_get(variant->point, bad->knob, after, sizeof(after)));
		EXPECT_STREQ(before, after);
	}
	/* A valid number, but no process has this id. */
	EXPECT_EQ(-ESRCH, knob_set(variant->point, "tasks", "2147483647"));
	EXPECT_TRUE(knob_shows(variant->point, "tasks", "1"));
}

TEST_F(knobs, stats_cannot_be_written)
{
	EXPECT_GT(0, knob_set(variant->point, "stats", "0"));
}

TEST_F(knobs, nth_fails_just_that_call)
{
	static const long nths[] = { 1, 2, 7, 30 };
	char left[32];

	for (size_t i = 0; i < ARRAY_SIZE(nths); i++) {
		ASSERT_EQ(0, arm_nth(variant->point, nths[i]));
		EXPECT_STREQ("armed", point_state(variant->point));
		for (long n = 1; n <= 40; n++) {
			EXPECT_EQ(n == nths[i], calls_failed(variant->which, 1));
			snprintf(left, sizeof(left), "%ld",
				 n < nths[i] ? nths[i] - n : 0);
			EXPECT_TRUE(knob_shows(variant->point, "nth", left));
		}
		EXPECT_STREQ("spent", point_state(variant->point));
		ASSERT_EQ(0, disarm(variant->point));
		EXPECT_STREQ("off", point_state(variant->point));
	}
}

static long long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Whether ftrace intercepts the functions of an armed point, and not a kprobe. */
static bool is_by_ftrace(const char *point)
{
	char status[16384], *line, *rest = status;

	if (file_read(ERRPATH "/status", status, sizeof(status)) < 0)
		return false;
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, point, strlen(point)) && line[strlen(point)] == ' ')
			return strstr(line, " ftrace");
	}
	return false;
}

/* A delayed call runs, later. A breakpoint delays nothing. */
TEST_F(knobs, delay)
{
	const long us = 20000, times = 3;
	struct target_calls calls;
	long long begin;
	struct stats s;
	bool delays;

	ASSERT_EQ(0, knob_set(variant->point, "delay-us", "%ld", us));
	ASSERT_EQ(0, arm_times(variant->point, times));
	delays = is_by_ftrace(variant->point);
	begin = nanoseconds();
	ASSERT_EQ(0, target_call(5, variant->which, "task", &calls));
	EXPECT_LE(delays ? us * times * 1000 : 0, nanoseconds() - begin);
	EXPECT_EQ(0, calls.failed);
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(delays ? times : 0, s.injected);

	/* Without the delay, calls fail again. */
	ASSERT_EQ(0, knob_set(variant->point, "delay-us", "0"));
	ASSERT_EQ(0, knob_set(variant->point, "times", "1"));
	EXPECT_EQ(1, calls_failed(variant->which, 2));
	ASSERT_EQ(0, disarm(variant->point));
}

/* With times, calls behind the n-th fail, too. */
TEST_F(knobs, nth_and_times)
{
	static const struct {
		long nth, times;
	} rules[] = { { 1, -1 }, { 3, -1 }, { 3, 0 }, { 3, 1 }, { 3, 2 }, { 5, 4 } };

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		long nth = rules[i].nth, times = rules[i].times;
		long end = times < 0 ? 20 : nth + (times ?: 1);
		char left[16];

		/* Write times before nth, then behind it. */
		for (int behind = 0; behind < 2; behind++) {
			ASSERT_EQ(0, knob_set(variant->point, "times", "%ld",
					      behind ? 7 : times));
			ASSERT_EQ(0, arm_nth(variant->point, nth));
			ASSERT_EQ(0, knob_set(variant->point, "times", "%ld", times));
			for (long n = 1; n < 20; n++) {
				EXPECT_EQ(n >= nth && n < end, calls_failed(variant->which, 1))
					TH_LOG("nth %ld times %ld call %ld", nth, times, n);
			}
			snprintf(left, sizeof(left), "%ld", times);
			EXPECT_TRUE(knob_shows(variant->point, "times", left));
			EXPECT_STREQ(times < 0 ? "armed" : "spent",
				     point_state(variant->point));
			ASSERT_EQ(0, disarm(variant->point));
		}
	}
}

/* The rules of Documentation/fault-injection for probability 100, written a second time. */
struct model {
	long interval, times, space, counted;
};

/* Returns true if the next call must fail. */
static bool model_fails(struct model *m)
{
	if (!m->times)
		return false;
	if (m->space > 1) {
		m->space--;
		return false;
	}
	if (m->interval > 1 && ++m->counted % m->interval)
		return false;
	if (m->times > 0)
		m->times--;
	return true;
}

TEST_F(knobs, decisions_follow_the_model)
{
	static const struct model models[] = {
		{ .interval = 1, .times = 1 },
		{ .interval = 1, .times = 3 },
		{ .interval = 1, .times = -1 },
		{ .interval = 1, .times = 0 },
		{ .interval = 0, .times = 2 },
		{ .interval = 3, .times = -1 },
		{ .interval = 4, .times = 2 },
		{ .interval = 1, .times = -1, .space = 1 },
		{ .interval = 1, .times = 2, .space = 6 },
		{ .interval = 5, .times = 3, .space = 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		struct model m = models[i];

		close(self->guard);
		self->guard = guard_open();
		ASSERT_LE(0, self->guard);
		ASSERT_EQ(0, knob_set(variant->point, "interval", "%ld",
				      m.interval));
		ASSERT_EQ(0, knob_set(variant->point, "space", "%ld", m.space));
		ASSERT_EQ(0, arm_times(variant->point, m.times));
		for (int n = 1; n <= 24; n++) {
			EXPECT_EQ(model_fails(&m), calls_failed(variant->which, 1))
				TH_LOG("model %zu, call %d", i, n);
		}
		EXPECT_STREQ(m.times ? "armed" : "spent",
			     point_state(variant->point));
	}
}

/* The bound is five standard deviations: a right result exceeds it once in two million runs. */
TEST_F(knobs, probability_is_met)
{
	static const int percents[] = { 0, 1, 50, 99, 100 };
	const long calls = 10000;

	ASSERT_EQ(0, knob_set(variant->point, "verbose", "0"));
	for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
		long p = percents[i], failed;
		double off;

		ASSERT_EQ(0, arm_times(variant->point, -1));
		ASSERT_EQ(0, knob_set(variant->point, "probability", "%ld", p));
		failed = calls_failed(variant->which, calls);
		off = failed - calls * p / 100.0;
		EXPECT_LE(off * off, 25.0 * calls * p * (100 - p) / 10000)
			TH_LOG("%ld of %ld failed at %ld%%", failed, calls, p);
		ASSERT_EQ(0, disarm(variant->point));
	}
}

TEST_F(knobs, statistics_are_exact)
{
	struct stats s;

	/* Make 1000 calls, of which 17 fail. */
	ASSERT_EQ(0, arm_times(variant->point, 17));
	EXPECT_EQ(17, calls_failed(variant->which, 1000));
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(1000, s.seen);
	EXPECT_EQ(0, s.missed);
	EXPECT_EQ(1000, s.matched);
	EXPECT_EQ(17, s.injected);

	/* Disarming must keep them, the next arming must reset them. */
	ASSERT_EQ(0, disarm(variant->point));
	EXPECT_EQ(0, calls_failed(variant->which, 5));
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(1000, s.seen);
	ASSERT_EQ(0, arm_nth(variant->point, 1));
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(0, s.seen);
}

TEST_F(knobs, task_filter)
{
	ASSERT_EQ(0, knob_set(variant->point, "times", "-1"));
	ASSERT_EQ(0, knob_set(variant->point, "probability", "100"));

	/* With the filter on, no call fails unless its task is in the list. */
	EXPECT_EQ(0, calls_failed(variant->which, 3));
	ASSERT_EQ(0, knob_set(variant->point, "tasks", "1"));
	EXPECT_EQ(0, calls_failed(variant->which, 3));
	ASSERT_EQ(0, knob_set(variant->point, "tasks", "1,%d", getpid()));
	EXPECT_EQ(3, calls_failed(variant->which, 3));
	ASSERT_EQ(0, knob_set(variant->point, "tasks", "%s", ""));
	EXPECT_EQ(0, calls_failed(variant->which, 3));

	/* With the filter off, every call fails. */
	ASSERT_EQ(0, knob_set(variant->point, "task-filter", "N"));
	EXPECT_EQ(3, calls_failed(variant->which, 3));
}

TEST_F(knobs, children_follow)
{
	int status;
	pid_t pid;

	/* A child. */
	EXPECT_EQ(0, calls_failed_in_child(variant->which, CALLS));
	ASSERT_EQ(0, arm_times(variant->point, -1));
	EXPECT_EQ(CALLS, calls_failed_in_child(variant->which, CALLS));

	/* A child of a child. */
	pid = fork();
	if (!pid)
		_exit(calls_failed_in_child(variant->which, CALLS));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(CALLS, WEXITSTATUS(status));
}

/* Another task makes the same calls on another CPU; it was forked before the arming. */
TEST_F(knobs, innocent_task_never_fails)
{
	const long calls = 20000;
	struct stats s;
	int go[2], status;
	pid_t innocent;
	char c;

	/* Fork a task that waits. */
	ASSERT_EQ(0, pipe(go));
	innocent = fork();
	if (!innocent) {
		if (read(go[0], &c, 1) != 1)
			_exit(2);
		_exit(!!calls_failed(variant->which, calls));
	}

	/* Make the calls in both tasks at the same time. */
	ASSERT_EQ(0, knob_set(variant->point, "verbose", "0"));
	ASSERT_EQ(0, arm_times(variant->point, -1));
	ASSERT_EQ(1, write(go[1], "g", 1));
	EXPECT_EQ(calls, calls_failed(variant->which, calls));
	ASSERT_EQ(innocent, waitpid(innocent, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));

	/* The point must have seen all calls, and failed only those of this task. */
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(2 * calls, s.seen);
	EXPECT_EQ(0, s.missed);
	EXPECT_EQ(calls, s.matched);
	EXPECT_EQ(calls, s.injected);
}

TEST_F(knobs, caller_by_symbol)
{
	static const struct {
		const char *caller;
		bool matches;
	} callers[] = {
		{ .caller = "", .matches = true },
		{ .caller = "errpath_target_caller", .matches = true },
		{ .caller = "vfs_write errpath_target_caller", .matches = true },
		{ .caller = "vfs_write", .matches = false },
		{ .caller = "stack:vfs_write", .matches = true },
		{ .caller = "stack:errpath_target_caller", .matches = true },
		{ .caller = "stack:vfs_read", .matches = false },
		{ .caller = "vfs_read stack:vfs_write", .matches = true },
	};
	struct stats s;

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		long hits = callers[i].matches ? 4 : 0;

		ASSERT_EQ(0, knob_set(variant->point, "caller", "%s",
				      callers[i].caller));
		ASSERT_EQ(0, arm_times(variant->point, -1));
		EXPECT_EQ(hits, calls_failed(variant->which, 4))
			TH_LOG("caller \"%s\"", callers[i].caller);
		ASSERT_EQ(0, stats_read(variant->point, &s));
		EXPECT_EQ(4, s.seen);
		EXPECT_EQ(hits, s.matched);
		ASSERT_EQ(0, disarm(variant->point));
	}
}

TEST_F(knobs, stack_by_address)
{
	unsigned long start, end;

	ASSERT_EQ(0, symbol_find_text("vfs_write", &start, &end));
	ASSERT_EQ(0, arm_times(variant->point, -1));

	/* Require vfs_write() on the stack. */
	ASSERT_EQ(0, knob_set(variant->point, "require-start", "%#lx", start));
	ASSERT_EQ(0, knob_set(variant->point, "require-end", "%#lx", end));
	EXPECT_EQ(3, calls_failed(variant->which, 3));

	/* Look only at the direct caller, which is another function. */
	ASSERT_EQ(0, knob_set(variant->point, "stacktrace-depth", "1"));
	EXPECT_EQ(0, calls_failed(variant->which, 3));
	ASSERT_EQ(0, knob_set(variant->point, "stacktrace-depth", "32"));

	/* Require an address that is not on the stack. */
	ASSERT_EQ(0, knob_set(variant->point, "require-start", "%#lx", end));
	ASSERT_EQ(0, knob_set(variant->point, "require-end", "%#lx", end + 1));
	EXPECT_EQ(0, calls_failed(variant->which, 3));

	/* Require nothing, but reject vfs_write(). */
	ASSERT_EQ(0, knob_set(variant->point, "require-start", "0"));
	ASSERT_EQ(0, knob_set(variant->point, "require-end", "%#lx", -1UL));
	ASSERT_EQ(0, knob_set(variant->point, "reject-start", "%#lx", start));
	ASSERT_EQ(0, knob_set(variant->point, "reject-end", "%#lx", end));
	EXPECT_EQ(0, calls_failed(variant->which, 3));
}

TEST_F(knobs, errno_is_returned)
{
	struct target_calls calls;

	ASSERT_EQ(0, arm_times(variant->point, -1));
	EXPECT_EQ(0, target_call(2, variant->which, "task", &calls));
	EXPECT_EQ(-ENOMEM, calls.last_errno);
	ASSERT_EQ(0, knob_set(variant->point, "errno", "%d", -EIO));
	EXPECT_EQ(0, target_call(2, variant->which, "task", &calls));
	EXPECT_EQ(-EIO, calls.last_errno);
}

TEST_F(knobs, verbose)
{
	int fd = kmsg_open();
	char line[128];

	/* 1: a line for each failure. */
	ASSERT_LE(0, fd);
	snprintf(line, sizeof(line), "^errpath: inject.*%s\\(\\) fails.*pid %d ",
		 variant->function, getpid());
	ASSERT_EQ(0, arm_times(variant->point, -1));
	EXPECT_EQ(3, calls_failed(variant->which, 3));
	EXPECT_EQ(3, kmsg_count(fd, line));

	/* 0: no line. */
	ASSERT_EQ(0, knob_set(variant->point, "verbose", "0"));
	EXPECT_EQ(3, calls_failed(variant->which, 3));
	EXPECT_EQ(0, kmsg_count(fd, "inject"));

	/* 2: a stack, too. */
	ASSERT_EQ(0, knob_set(variant->point, "verbose", "2"));
	EXPECT_EQ(1, calls_failed(variant->which, 1));
	EXPECT_EQ(1, kmsg_count(fd, "^errpath: Call Trace:"));

	/* Limit the lines to two in a minute. */
	ASSERT_EQ(0, knob_set(variant->point, "verbose", "1"));
	ASSERT_EQ(0, knob_set(variant->point, "verbose_ratelimit_burst", "2"));
	ASSERT_EQ(0, knob_set(variant->point, "verbose_ratelimit_interval_ms",
			      "60000"));
	EXPECT_EQ(9, calls_failed(variant->which, 9));
	EXPECT_EQ(2, kmsg_count(fd, line));
	close(fd);
}

TEST_F(knobs, tracepoint)
{
	static char trace[65536];
	char *line = trace;
	int n = 0;

	/* Trace 5 calls, of which 2 fail. */
	ASSERT_EQ(0, knob_set(variant->point, "verbose", "0"));
	ASSERT_EQ(0, arm_times(variant->point, 2));
	ASSERT_EQ(0, file_write(TRACING "/trace", "\n"));
	ASSERT_EQ(0, file_write(TRACING "/events/errpath/inject/enable", "1"));
	EXPECT_EQ(2, calls_failed(variant->which, 5));
	ASSERT_EQ(0, file_write(TRACING "/events/errpath/inject/enable", "0"));

	/* Count the lines of the tracepoint. */
	ASSERT_LT(0, file_read(TRACING "/trace", trace, sizeof(trace)));
	while ((line = strstr(line, variant->traced))) {
		line++;
		n++;
	}
	EXPECT_EQ(2, n);
}

TEST_F(knobs, disarmed_is_not_intercepted)
{
	EXPECT_FALSE(function_is_intercepted(variant->function));
	ASSERT_EQ(0, arm_nth(variant->point, 1));
	EXPECT_TRUE(function_is_intercepted(variant->function));
	ASSERT_EQ(0, disarm(variant->point));
	EXPECT_FALSE(function_is_intercepted(variant->function));
}

TEST_F(knobs, guard_is_exclusive)
{
	EXPECT_EQ(-EBUSY, guard_open());
	close(self->guard);
	self->guard = guard_open();
	EXPECT_LE(0, self->guard);
}

TEST_F(knobs, guard_waits_for_exiting_holder)
{
	pid_t holder;
	int held[2];
	char c;

	/* Fork a task that holds the guard for 100 ms. */
	close(self->guard);
	ASSERT_EQ(0, pipe(held));
	holder = fork();
	if (!holder) {
		c = guard_open() < 0 ? 'e' : 'h';
		if (write(held[1], &c, 1) != 1)
			_exit(1);
		usleep(100000);
		_exit(0);
	}
	ASSERT_EQ(1, read(held[0], &c, 1));
	EXPECT_EQ('h', c);

	/* Open the guard meanwhile. */
	self->guard = guard_open();
	EXPECT_LE(0, self->guard);
	EXPECT_EQ(holder, waitpid(holder, NULL, 0));
}

TEST_F(knobs, guard_keeps_module)
{
	EXPECT_EQ(-EAGAIN, module_unload("errpath"));
	EXPECT_LE(0, self->guard);
}

TEST_F(knobs, guard_close_resets)
{
	struct stats s;

	/* Change every knob, and fail a call. */
	ASSERT_EQ(0, knobs_set_good(variant->point));
	ASSERT_EQ(0, knob_set(variant->point, "caller", "%s", ""));
	ASSERT_EQ(0, knob_set(variant->point, "nth", "0"));
	ASSERT_EQ(0, arm_nth(variant->point, 1));
	calls_failed(variant->which, 3);

	/* Close the guard: the point must be as it was at load. */
	close(self->guard);
	EXPECT_STREQ("off", point_state(variant->point));
	EXPECT_EQ(0, knobs_not_default(variant->point));
	EXPECT_FALSE(function_is_intercepted(variant->function));
	EXPECT_EQ(0, calls_failed(variant->which, 3));
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(0, s.seen);
}

TEST_F(knobs, killed_holder_resets)
{
	int armed[2], status;
	pid_t holder;
	char c;

	/* Fork a task that opens the guard and arms the point. */
	close(self->guard);
	ASSERT_EQ(0, pipe(armed));
	holder = fork();
	if (!holder) {
		self->guard = guard_open();
		knobs_set_good(variant->point);
		knob_set(variant->point, "task-filter", "N");
		c = arm_times(variant->point, -1) ? 'e' : 'a';
		if (write(armed[1], &c, 1) != 1)
			_exit(1);
		pause();
	}
	ASSERT_EQ(1, read(armed[0], &c, 1));
	EXPECT_EQ('a', c);
	EXPECT_STREQ("armed", point_state(variant->point));

	/* Kill it: the point must be as it was at load. */
	ASSERT_EQ(0, kill(holder, SIGKILL));
	ASSERT_EQ(holder, waitpid(holder, &status, 0));
	EXPECT_STREQ("off", point_state(variant->point));
	EXPECT_EQ(0, knobs_not_default(variant->point));
	EXPECT_FALSE(function_is_intercepted(variant->function));
	self->guard = guard_open();
	EXPECT_LE(0, self->guard);
}

TEST_HARNESS_MAIN
