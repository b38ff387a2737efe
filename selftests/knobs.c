// SPDX-License-Identifier: GPL-2.0
/* Each knob of a failure point means what it says, and nothing else fails. */
#include <fcntl.h>
#include <signal.h>

#include "lib/harness.h"

#include "lib/file.h"
#include "lib/kmsg.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/target.h"

#define TRACING "/sys/kernel/tracing"

FIXTURE(knobs)
{
	int guard;
};

FIXTURE_VARIANT(knobs)
{
	const char *point;
	const char *which;
	const char *function;
	const char *traced;
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

/* Calls the function @count times; returns how many failed, or -errno. */
static long call(const char *which, long count)
{
	struct target_calls calls;

	return target_call(count, which, "task", &calls) ?: (long)calls.failed;
}

#define CALLS 3

/* How many of CALLS calls of a child fail. */
static int call_in_child(const char *which)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(call(which, CALLS));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static bool intercepted(const char *function)
{
	static char text[65536];
	const char * const lists[] = {
		"/sys/kernel/debug/kprobes/list",
		TRACING "/enabled_functions",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (file_read(lists[i], text, sizeof(text)) < 0 ||
		    strstr(text, function))
			return true;
	}
	return false;
}

static const struct {
	const char *knob;
	const char *value;
} defaults[] = {
	{ "probability", "0" },
	{ "interval", "1" },
	{ "times", "1" },
	{ "space", "0" },
	{ "verbose", "1" },
	{ "verbose_ratelimit_interval_ms", "0" },
	{ "verbose_ratelimit_burst", "0" },
	{ "task-filter", "Y" },
	{ "stacktrace-depth", "32" },
	{ "require-start", "0x0000000000000000" },
	{ "require-end", "0xffffffffffffffff" },
	{ "reject-start", "0x0000000000000000" },
	{ "reject-end", "0x0000000000000000" },
	{ "tasks", "" },
	{ "caller", "" },
	{ "skip", "" },
	{ "stacks", "" },
	{ "targets", "" },
	{ "nth", "0" },
	{ "errno", "-12" },
};

/* What may be written and how it reads back. */
static const struct {
	const char *knob;
	const char *text;
	const char *value;
} good[] = {
	{ "probability", "100", "100" },
	{ "probability", "0", "0" },
	{ "interval", "7\n", "7" },
	{ "interval", "0x10", "16" },
	{ "times", "-1", "-1" },
	{ "times", "2147483647", "2147483647" },
	{ "space", "3", "3" },
	{ "verbose", "0", "0" },
	{ "verbose", "2", "2" },
	{ "verbose_ratelimit_interval_ms", "5000", "5000" },
	{ "verbose_ratelimit_burst", "9", "9" },
	{ "task-filter", "N", "N" },
	{ "task-filter", "1", "Y" },
	{ "task-filter", "0\n", "N" },
	{ "stacktrace-depth", "5", "5" },
	{ "stacktrace-depth", "100", "32" },
	{ "require-start", "0xffffffff81000000", "0xffffffff81000000" },
	{ "require-end", "0xffffffff82000000", "0xffffffff82000000" },
	{ "reject-start", "4096", "0x0000000000001000" },
	{ "reject-end", "0x2000", "0x0000000000002000" },
	{ "tasks", "1", "1" },
	{ "tasks", "  1 ,1\n", "1" },
	{ "tasks", "", "" },
	{ "tasks", "1", "1" },
	{ "caller", "vfs_write stack:ksys_write", "vfs_write stack:ksys_write" },
	{ "skip", "vfs_write, ksys_write", "vfs_write, ksys_write" },
	{ "stacks", "Y", "" },
	{ "targets", "1 abc:2", "00000001:1 00000abc:2" },
	{ "targets", "", "" },
	{ "nth", "5", "5" },
	{ "errno", "-5", "-5" },
};

/* What may not; tried with the last of the good values in place. */
static const struct {
	const char *knob;
	const char *text;
} bad[] = {
	{ "probability", "" },
	{ "probability", "-1" },
	{ "probability", "101" },
	{ "probability", "1x" },
	{ "probability", "1 2" },
	{ "probability", "half" },
	{ "interval", "" },
	{ "interval", "-1" },
	{ "interval", "18446744073709551616" },
	{ "interval", "many" },
	{ "times", "" },
	{ "times", "-2" },
	{ "times", "2147483648" },
	{ "times", "1.5" },
	{ "space", "" },
	{ "space", "-1" },
	{ "space", "2147483648" },
	{ "verbose", "" },
	{ "verbose", "3" },
	{ "verbose", "-1" },
	{ "verbose_ratelimit_interval_ms", "-1" },
	{ "verbose_ratelimit_interval_ms", "99999999999" },
	{ "verbose_ratelimit_burst", "2147483648" },
	{ "verbose_ratelimit_burst", "few" },
	{ "task-filter", "" },
	{ "task-filter", "maybe" },
	{ "task-filter", "2" },
	{ "stacktrace-depth", "-1" },
	{ "stacktrace-depth", "deep" },
	{ "require-start", "vfs_write" },
	{ "require-start", "-1" },
	{ "require-end", "0x1ffffffffffffffff" },
	{ "reject-start", "0xg" },
	{ "reject-end", "" },
	{ "tasks", "0" },
	{ "tasks", "-5" },
	{ "tasks", "1 init" },
	{ "tasks", "1.5" },
	{ "caller", "no_such_function" },
	{ "caller", "vfs_write stack:no_such_function" },
	{ "caller", "stack:" },
	{ "skip", "no_such_function" },
	{ "skip", "stack:vfs_write" },
	{ "stacks", "" },
	{ "stacks", "2" },
	{ "targets", "many" },
	{ "targets", "0" },
	{ "targets", "1:0" },
	{ "targets", "1 2 3 4 5 6 7 8 9" },
	{ "nth", "" },
	{ "nth", "-1" },
	{ "nth", "third" },
	{ "nth", "9223372036854775808" },
	{ "errno", "" },
	{ "errno", "0" },
	{ "errno", "12" },
	{ "errno", "-4096" },
	{ "errno", "ENOMEM" },
};

static bool shows(const char *point, const char *knob, const char *value)
{
	char text[1024];

	if (knob_get(point, knob, text, sizeof(text)))
		return false;
	if (!strcmp(text, value))
		return true;
	printf("# %s/%s reads \"%s\" for \"%s\"\n", point, knob, text, value);
	return false;
}

static int set_all(const char *point)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(good) && !err; i++)
		err = knob_set(point, good[i].knob, "%s", good[i].text);
	return err;
}

static int not_default(const char *point)
{
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		n += !shows(point, defaults[i].knob, defaults[i].value);
	return n;
}

FIXTURE_SETUP(knobs)
{
	const char *why = point_unavailable(variant->point);

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
}

FIXTURE_TEARDOWN_PARENT(knobs)
{
	EXPECT_STREQ("off", point_state(variant->point));
}

TEST_F(knobs, defaults)
{
	EXPECT_EQ(0, not_default(variant->point));
	EXPECT_STREQ("off", point_state(variant->point));
	EXPECT_EQ(0, call(variant->which, 1));
}

TEST_F(knobs, formats)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(0, knob_set(variant->point, good[i].knob, "%s",
				      good[i].text))
			TH_LOG("%s \"%s\"", good[i].knob, good[i].text);
		EXPECT_TRUE(shows(variant->point, good[i].knob, good[i].value));
	}
}

TEST_F(knobs, wrong_input_changes_nothing)
{
	char before[1024], after[1024];

	ASSERT_EQ(0, set_all(variant->point));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_EQ(0, knob_get(variant->point, bad[i].knob, before,
				      sizeof(before)));
		EXPECT_EQ(-EINVAL, knob_set(variant->point, bad[i].knob, "%s",
					    bad[i].text))
			TH_LOG("%s \"%s\"", bad[i].knob, bad[i].text);
		ASSERT_EQ(0, knob_get(variant->point, bad[i].knob, after,
				      sizeof(after)));
		EXPECT_STREQ(before, after);
	}
	/* A good number, but nobody has it. */
	EXPECT_EQ(-ESRCH, knob_set(variant->point, "tasks", "2147483647"));
	EXPECT_TRUE(shows(variant->point, "tasks", "1"));
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
			EXPECT_EQ(n == nths[i], call(variant->which, 1));
			snprintf(left, sizeof(left), "%ld",
				 n < nths[i] ? nths[i] - n : 0);
			EXPECT_TRUE(shows(variant->point, "nth", left));
		}
		EXPECT_STREQ("spent", point_state(variant->point));
		ASSERT_EQ(0, disarm(variant->point));
		EXPECT_STREQ("off", point_state(variant->point));
	}
}

/*
 * The rules of Documentation/fault-injection for probability 100, told a second
 * time: does call number @n, from 1, fail?
 */
struct model {
	long interval, times, space, counted;
};

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
			EXPECT_EQ(model_fails(&m), call(variant->which, 1))
				TH_LOG("model %zu, call %d", i, n);
		}
		EXPECT_STREQ(m.times ? "armed" : "spent",
			     point_state(variant->point));
	}
}

/* Within five standard deviations: wrong once in two million runs. */
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
		failed = call(variant->which, calls);
		off = failed - calls * p / 100.0;
		EXPECT_LE(off * off, 25.0 * calls * p * (100 - p) / 10000)
			TH_LOG("%ld of %ld failed at %ld%%", failed, calls, p);
		ASSERT_EQ(0, disarm(variant->point));
	}
}

TEST_F(knobs, statistics_are_exact)
{
	struct stats s;

	ASSERT_EQ(0, arm_times(variant->point, 17));
	EXPECT_EQ(17, call(variant->which, 1000));
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(1000, s.seen);
	EXPECT_EQ(0, s.missed);
	EXPECT_EQ(1000, s.matched);
	EXPECT_EQ(17, s.injected);

	/* They outlive the disarming and start anew with the next arming. */
	ASSERT_EQ(0, disarm(variant->point));
	EXPECT_EQ(0, call(variant->which, 5));
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
	/* On, and nobody named: nobody. */
	EXPECT_EQ(0, call(variant->which, 3));
	ASSERT_EQ(0, knob_set(variant->point, "tasks", "1"));
	EXPECT_EQ(0, call(variant->which, 3));
	ASSERT_EQ(0, knob_set(variant->point, "tasks", "1,%d", getpid()));
	EXPECT_EQ(3, call(variant->which, 3));
	ASSERT_EQ(0, knob_set(variant->point, "tasks", "%s", ""));
	EXPECT_EQ(0, call(variant->which, 3));
	ASSERT_EQ(0, knob_set(variant->point, "task-filter", "N"));
	EXPECT_EQ(3, call(variant->which, 3));
}

TEST_F(knobs, children_follow)
{
	int status;
	pid_t pid;

	EXPECT_EQ(0, call_in_child(variant->which));
	ASSERT_EQ(0, arm_times(variant->point, -1));
	EXPECT_EQ(CALLS, call_in_child(variant->which));
	pid = fork();
	if (!pid)
		_exit(call_in_child(variant->which));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(CALLS, WEXITSTATUS(status));
}

/* It does the same, at the same time, on the other CPU, and was there before. */
TEST_F(knobs, innocent_task_never_fails)
{
	const long calls = 20000;
	struct stats s;
	int go[2], status;
	pid_t innocent;
	char c;

	ASSERT_EQ(0, pipe(go));
	innocent = fork();
	if (!innocent) {
		if (read(go[0], &c, 1) != 1)
			_exit(2);
		_exit(!!call(variant->which, calls));
	}
	ASSERT_EQ(0, knob_set(variant->point, "verbose", "0"));
	ASSERT_EQ(0, arm_times(variant->point, -1));
	ASSERT_EQ(1, write(go[1], "g", 1));
	EXPECT_EQ(calls, call(variant->which, calls));
	ASSERT_EQ(innocent, waitpid(innocent, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
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
		{ "", true },
		{ "errpath_target_caller", true },
		{ "vfs_write errpath_target_caller", true },
		{ "vfs_write", false },
		{ "stack:vfs_write", true },
		{ "stack:errpath_target_caller", true },
		{ "stack:vfs_read", false },
		{ "vfs_read stack:vfs_write", true },
	};
	struct stats s;

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		long hits = callers[i].matches ? 4 : 0;

		ASSERT_EQ(0, knob_set(variant->point, "caller", "%s",
				      callers[i].caller));
		ASSERT_EQ(0, arm_times(variant->point, -1));
		EXPECT_EQ(hits, call(variant->which, 4))
			TH_LOG("caller \"%s\"", callers[i].caller);
		ASSERT_EQ(0, stats_read(variant->point, &s));
		EXPECT_EQ(4, s.seen);
		EXPECT_EQ(hits, s.matched);
		ASSERT_EQ(0, disarm(variant->point));
	}
}

/* The text of a function: to the next symbol, for they are in ascending order. */
static bool text_of(const char *function, unsigned long *start,
		    unsigned long *end)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[128];

	*start = 0;
	*end = 0;
	while (f && *end <= *start && fgets(line, sizeof(line), f)) {
		if (*start)
			*end = strtoul(line, NULL, 16);
		else if (strstr(line, function) &&
			 sscanf(line, "%lx %*c %127s", start, name) == 2 &&
			 strcmp(name, function))
			*start = 0;
	}
	if (f)
		fclose(f);
	return *end > *start;
}

TEST_F(knobs, stack_by_address)
{
	unsigned long start, end;

	ASSERT_TRUE(text_of("vfs_write", &start, &end));
	ASSERT_EQ(0, arm_times(variant->point, -1));

	ASSERT_EQ(0, knob_set(variant->point, "require-start", "%#lx", start));
	ASSERT_EQ(0, knob_set(variant->point, "require-end", "%#lx", end));
	EXPECT_EQ(3, call(variant->which, 3));
	/* Its direct caller is not vfs_write() itself. */
	ASSERT_EQ(0, knob_set(variant->point, "stacktrace-depth", "1"));
	EXPECT_EQ(0, call(variant->which, 3));
	ASSERT_EQ(0, knob_set(variant->point, "stacktrace-depth", "32"));

	ASSERT_EQ(0, knob_set(variant->point, "require-start", "%#lx", end));
	ASSERT_EQ(0, knob_set(variant->point, "require-end", "%#lx", end + 1));
	EXPECT_EQ(0, call(variant->which, 3));

	ASSERT_EQ(0, knob_set(variant->point, "require-start", "0"));
	ASSERT_EQ(0, knob_set(variant->point, "require-end", "%#lx", -1UL));
	ASSERT_EQ(0, knob_set(variant->point, "reject-start", "%#lx", start));
	ASSERT_EQ(0, knob_set(variant->point, "reject-end", "%#lx", end));
	EXPECT_EQ(0, call(variant->which, 3));
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

	ASSERT_LE(0, fd);
	snprintf(line, sizeof(line), "^errpath: inject.*%s\\(\\) fails.*pid %d ",
		 variant->function, getpid());
	ASSERT_EQ(0, arm_times(variant->point, -1));
	EXPECT_EQ(3, call(variant->which, 3));
	EXPECT_EQ(3, kmsg_count(fd, line));

	ASSERT_EQ(0, knob_set(variant->point, "verbose", "0"));
	EXPECT_EQ(3, call(variant->which, 3));
	EXPECT_EQ(0, kmsg_count(fd, "inject"));

	ASSERT_EQ(0, knob_set(variant->point, "verbose", "2"));
	EXPECT_EQ(1, call(variant->which, 1));
	EXPECT_EQ(1, kmsg_count(fd, "^errpath: Call Trace:"));

	ASSERT_EQ(0, knob_set(variant->point, "verbose", "1"));
	ASSERT_EQ(0, knob_set(variant->point, "verbose_ratelimit_burst", "2"));
	ASSERT_EQ(0, knob_set(variant->point, "verbose_ratelimit_interval_ms",
			      "60000"));
	EXPECT_EQ(9, call(variant->which, 9));
	EXPECT_EQ(2, kmsg_count(fd, line));
	close(fd);
}

TEST_F(knobs, tracepoint)
{
	static char trace[65536];
	char *line = trace;
	int n = 0;

	ASSERT_EQ(0, knob_set(variant->point, "verbose", "0"));
	ASSERT_EQ(0, arm_times(variant->point, 2));
	ASSERT_EQ(0, file_write(TRACING "/trace", "\n"));
	ASSERT_EQ(0, file_write(TRACING "/events/errpath/inject/enable", "1"));
	EXPECT_EQ(2, call(variant->which, 5));
	ASSERT_EQ(0, file_write(TRACING "/events/errpath/inject/enable", "0"));
	ASSERT_LT(0, file_read(TRACING "/trace", trace, sizeof(trace)));
	while ((line = strstr(line, variant->traced))) {
		line++;
		n++;
	}
	EXPECT_EQ(2, n);
}

TEST_F(knobs, disarmed_is_not_intercepted)
{
	EXPECT_FALSE(intercepted(variant->function));
	ASSERT_EQ(0, arm_nth(variant->point, 1));
	EXPECT_TRUE(intercepted(variant->function));
	ASSERT_EQ(0, disarm(variant->point));
	EXPECT_FALSE(intercepted(variant->function));
}

TEST_F(knobs, guard_is_exclusive)
{
	EXPECT_EQ(-EBUSY, guard_open());
	close(self->guard);
	self->guard = guard_open();
	EXPECT_LE(0, self->guard);
}

TEST_F(knobs, guard_waits_for_who_leaves)
{
	pid_t holder;
	int held[2];
	char c;

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

	ASSERT_EQ(0, set_all(variant->point));
	ASSERT_EQ(0, knob_set(variant->point, "caller", "%s", ""));
	ASSERT_EQ(0, knob_set(variant->point, "nth", "0"));
	ASSERT_EQ(0, arm_nth(variant->point, 1));
	call(variant->which, 3);
	close(self->guard);
	EXPECT_STREQ("off", point_state(variant->point));
	EXPECT_EQ(0, not_default(variant->point));
	EXPECT_FALSE(intercepted(variant->function));
	EXPECT_EQ(0, call(variant->which, 3));
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(0, s.seen);
}

TEST_F(knobs, killed_holder_resets)
{
	int armed[2], status;
	pid_t holder;
	char c;

	close(self->guard);
	ASSERT_EQ(0, pipe(armed));
	holder = fork();
	if (!holder) {
		self->guard = guard_open();
		set_all(variant->point);
		knob_set(variant->point, "task-filter", "N");
		c = arm_times(variant->point, -1) ? 'e' : 'a';
		if (write(armed[1], &c, 1) != 1)
			_exit(1);
		pause();
	}
	ASSERT_EQ(1, read(armed[0], &c, 1));
	EXPECT_EQ('a', c);
	EXPECT_STREQ("armed", point_state(variant->point));
	ASSERT_EQ(0, kill(holder, SIGKILL));
	ASSERT_EQ(holder, waitpid(holder, &status, 0));
	EXPECT_STREQ("off", point_state(variant->point));
	EXPECT_EQ(0, not_default(variant->point));
	EXPECT_FALSE(intercepted(variant->function));
	self->guard = guard_open();
	EXPECT_LE(0, self->guard);
}

/* What loads and unloads; errpath.ko is there again afterwards. */
FIXTURE(loading)
{
	int unused;
};

FIXTURE_SETUP(loading)
{
	ASSERT_EQ(0, module_unload("errpath"));
}

FIXTURE_TEARDOWN_PARENT(loading)
{
	if (!module_loaded("errpath"))
		EXPECT_EQ(0, module_load("errpath", ""));
}

TEST_F(loading, arms_by_parameter)
{
	const char *all = "task-filter=N";
	char arm[256];

	snprintf(arm, sizeof(arm),
		 "arm=target:%s,times=2,probability=100;target_notrace:%s,nth=3",
		 all, all);
	ASSERT_EQ(0, module_load("errpath", arm));
	EXPECT_STREQ("armed", point_state("target"));
	EXPECT_EQ(2, call("traced", 10));
	EXPECT_EQ(0, call("notrace", 2));
	EXPECT_EQ(1, call("notrace", 1));
	EXPECT_TRUE(shows("target", "times", "0"));
	ASSERT_EQ(0, module_unload("errpath"));
	EXPECT_FALSE(intercepted("errpath_target"));
}

TEST_F(loading, refuses_wrong_parameter)
{
	static const char * const wrong[] = {
		"arm=nowhere:times=1",
		"arm=target",
		"arm=target:times",
		"arm=target:times=-2",
		"arm=target:colour=red",
		"arm=target:stats=1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, module_load("errpath", wrong[i]))
			TH_LOG("%s", wrong[i]);
	}
}

/*
 * A load that fails frees the module even if a task has one of its files open: so no
 * task may open a file before the load has succeeded.
 */
TEST_F(loading, failing_load_has_no_open_files)
{
	const char *slow_and_wrong = "arm=alloc:caller=_printk,times=0,probability=100,bogus=1";
	pid_t opener = fork();
	int status;

	if (!opener) {
		for (;;) {
			if (open(ERRPATH "/guard", O_RDWR | O_CLOEXEC) >= 0)
				_exit(1);
		}
	}
	ASSERT_LT(0, opener);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(-EINVAL, module_load("errpath", slow_and_wrong));
	EXPECT_EQ(0, waitpid(opener, &status, WNOHANG));
	kill(opener, SIGKILL);
	waitpid(opener, &status, 0);
}

/*
 * A load takes half a second, for errpath proves itself: 10 of them, or as many
 * as ERRPATH_LOADS says.
 */
TEST_F_TIMEOUT(loading, again_and_again, 300)
{
	const char *loads = getenv("ERRPATH_LOADS");

	for (int i = 0; i < atoi(loads ?: "10"); i++) {
		ASSERT_EQ(0, module_load("errpath", ""));
		ASSERT_EQ(0, module_unload("errpath"));
	}
}

TEST_HARNESS_MAIN
