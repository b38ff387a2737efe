// SPDX-License-Identifier: GPL-2.0
/*
 * stack:NAME in the knob caller: a call fails if and only if NAME is above it. errpath
 * decides that by marks that kretprobes set, or by a walk of the stack where a mark cannot
 * say it. errpath_scope.ko makes calls below NAME and beside it, and counts wrong decisions.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "lib/harness.h"

#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"

#define DIRECTORY "/sys/kernel/debug/errpath_scope"
#define KPROBES_ENABLED "/sys/kernel/debug/kprobes/enabled"

/* Random calls in each variant, by the marks and by the walk. */
#define MANY 125000
#define FEW 20

/* A kretprobe of errpath can mark 64 tasks at the same time. */
#define MARKED 64
#define WAITERS 80

FIXTURE(scope)
{
	char caller[64];
	int guard;
};

FIXTURE_VARIANT(scope)
{
	const char *point;
	const char *which;
	const char *scope;
};

FIXTURE_VARIANT_ADD(scope, ftrace)
{
	.point = "target",
	.which = "traced",
	.scope = "above",
};

FIXTURE_VARIANT_ADD(scope, kprobe)
{
	.point = "target_notrace",
	.which = "notrace",
	.scope = "above",
};

FIXTURE_VARIANT_ADD(scope, ftrace_below_notrace)
{
	.point = "target",
	.which = "traced",
	.scope = "above_notrace",
};

FIXTURE_VARIANT_ADD(scope, kprobe_below_notrace)
{
	.point = "target_notrace",
	.which = "notrace",
	.scope = "above_notrace",
};

FIXTURE_SETUP(scope)
{
	const char *reason = point_unavailable(variant->point);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, module_load("errpath_scope", ""));
	snprintf(self->caller, sizeof(self->caller), "stack:errpath_scope_%s", variant->scope);
	ASSERT_EQ(0, knob_set(variant->point, "verbose", "0"));
	ASSERT_EQ(0, knob_set(variant->point, "caller", "%s", self->caller));
	ASSERT_EQ(0, knob_set(variant->point, "times", "-1"));
	/* Interrupts make calls, too. */
	ASSERT_EQ(0, knob_set(variant->point, "task-filter", "N"));
}

FIXTURE_TEARDOWN_PARENT(scope)
{
	EXPECT_STREQ("off", point_state(variant->point));
	if (module_loaded("errpath_scope"))
		EXPECT_EQ(0, module_unload("errpath_scope"));
}

/* The result of an order to errpath_scope.ko. */
struct walk {
	long calls;
	long inside;
	long wrong;
};

/* Lets errpath_scope.ko make calls. Returns 0 or -errno. */
static int walk(const char *which, const char *scope, long count, const char *way,
		struct walk *result)
{
	int fd = open(DIRECTORY "/call", O_RDWR | O_CLOEXEC), err = 0;
	char text[128];
	ssize_t n;

	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%ld %s %s %s", count, which, scope, way);
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	n = err ? 0 : pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		err = -errno;
	close(fd);
	if (err)
		return err;
	text[n] = '\0';
	return sscanf(text, "calls %ld inside %ld wrong %ld", &result->calls, &result->inside,
		      &result->wrong) == 3 ? 0 : -EPROTO;
}

/* Makes @count calls in the way @way: no decision may be wrong. */
static void expect_right(struct __test_metadata *_metadata, const char *which, const char *scope,
			 long count, const char *way)
{
	struct walk result;

	ASSERT_EQ(0, walk(which, scope, count, way, &result));
	EXPECT_LE(count, result.calls);
	EXPECT_EQ(0, result.wrong)
		TH_LOG("%s: %ld calls, %ld inside", way, result.calls, result.inside);
}

static long walked(const char *point)
{
	struct stats s;

	return stats_read(point, &s) ? -1 : s.walked;
}

static int arm(const char *point)
{
	return knob_set(point, "probability", "100");
}

/* Compares marks and walk with the truth, on the same calls. */
TEST_F_TIMEOUT(scope, marks_and_walk_agree, 240)
{
	struct walk by_marks, by_walk;
	struct stats s;

	/* By the marks: only the first call of the task may need a walk. */
	ASSERT_EQ(0, arm(variant->point));
	ASSERT_EQ(0, walk(variant->which, variant->scope, MANY, "random", &by_marks));
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(by_marks.inside, s.injected);
	EXPECT_GE(2, s.walked);
	ASSERT_EQ(0, disarm(variant->point));

	/* By the walk, which a depth below the default needs. */
	ASSERT_EQ(0, knob_set(variant->point, "stacktrace-depth", "31"));
	ASSERT_EQ(0, arm(variant->point));
	ASSERT_EQ(0, walk(variant->which, variant->scope, MANY, "random", &by_walk));
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(by_walk.inside, s.injected);
	EXPECT_EQ(by_walk.calls, s.walked);

	/* Both must be right; calls must have been inside and outside. */
	EXPECT_EQ(0, by_marks.wrong);
	EXPECT_EQ(0, by_walk.wrong);
	EXPECT_EQ(by_marks.calls, by_walk.calls);
	EXPECT_EQ(by_marks.inside, by_walk.inside);
	EXPECT_LT(MANY / 10, by_marks.inside);
	EXPECT_LT(MANY / 10, by_marks.calls - by_marks.inside);
}

/*
 * Starts a task that makes calls outside, waits inside the function, and makes calls inside and
 * outside. Returns its pid.
 */
static pid_t start_waiter(const char *which, const char *scope)
{
	struct walk result;
	pid_t pid = fork();

	if (pid)
		return pid;
	_exit(walk(which, scope, FEW, "wait", &result) || result.wrong ||
	      result.inside != FEW || result.calls != 3 * FEW);
}

static int tasks_that_wait(void)
{
	char text[32];

	return file_read(DIRECTORY "/go", text, sizeof(text)) < 0 ? -1 : atoi(text);
}

/* Starts @n tasks and returns when all wait. */
static void start_waiters(struct __test_metadata *_metadata, const char *which, const char *scope,
			  int n)
{
	for (int i = 0; i < n; i++)
		ASSERT_LT(0, start_waiter(which, scope));
	for (int i = 0; i < 1000 && tasks_that_wait() != n; i++)
		usleep(10000);
	ASSERT_EQ(n, tasks_that_wait());
}

/* Lets them make their calls. Every decision must be right. */
static void finish_waiters(struct __test_metadata *_metadata, int n)
{
	int status;

	ASSERT_EQ(0, file_write(DIRECTORY "/go", "1"));
	for (int i = 0; i < n; i++) {
		ASSERT_LT(0, wait(&status));
		EXPECT_EQ(0, status);
	}
}

/* A task that was inside when the point was armed has no mark. */
TEST_F(scope, task_is_inside_while_the_point_is_armed)
{
	start_waiters(_metadata, variant->which, variant->scope, 1);
	ASSERT_EQ(0, arm(variant->point));
	finish_waiters(_metadata, 1);

	/* Its calls inside need the walk, and one afterwards. */
	EXPECT_LE(FEW, walked(variant->point));
	EXPECT_GE(FEW + 2, walked(variant->point));

	/* Other calls have marks. */
	expect_right(_metadata, variant->which, variant->scope, MANY / 100, "random");
	EXPECT_GE(FEW + 4, walked(variant->point));
}

/* More tasks are inside than a kretprobe can mark. */
TEST_F(scope, marks_run_out)
{
	ASSERT_EQ(0, arm(variant->point));
	start_waiters(_metadata, variant->which, variant->scope, WAITERS);
	finish_waiters(_metadata, WAITERS);
	EXPECT_LE((WAITERS - MARKED) * FEW, walked(variant->point));

	/* Afterwards, marks are enough again. */
	expect_right(_metadata, variant->which, variant->scope, FEW, "outside");
	long before = walked(variant->point);

	expect_right(_metadata, variant->which, variant->scope, MANY / 100, "random");
	EXPECT_EQ(before, walked(variant->point));
}

/* The knob is written while the point is armed. */
TEST_F(scope, scope_changes_while_armed)
{
	ASSERT_EQ(0, arm(variant->point));
	expect_right(_metadata, variant->which, variant->scope, FEW, "random");
	ASSERT_EQ(0, knob_set(variant->point, "caller", "stack:errpath_scope_beside"));
	ASSERT_EQ(0, knob_set(variant->point, "caller", "%s", self->caller));
	expect_right(_metadata, variant->which, variant->scope, FEW, "random");

	/* Another name, which is not above. */
	struct walk result;

	ASSERT_EQ(0, knob_set(variant->point, "caller", "stack:sparse_add_section"));
	ASSERT_EQ(0, walk(variant->which, variant->scope, FEW, "inside", &result));
	EXPECT_EQ(FEW, result.wrong);
}

/* The module that has the function comes and goes while the point is armed. */
TEST_F(scope, module_of_the_function_is_reloaded)
{
	ASSERT_EQ(0, arm(variant->point));
	for (int i = 0; i < 3; i++) {
		expect_right(_metadata, variant->which, variant->scope, FEW, "inside");
		expect_right(_metadata, variant->which, variant->scope, FEW, "random");
		ASSERT_EQ(0, module_unload("errpath_scope"));
		ASSERT_EQ(0, module_load("errpath_scope", ""));
	}
	EXPECT_GE(6, walked(variant->point));
}

/* The module is loaded first when the point is already armed. */
TEST_F(scope, module_of_the_function_comes)
{
	ASSERT_EQ(0, module_unload("errpath_scope"));
	ASSERT_EQ(0, knob_set(variant->point, "caller", "stack:errpath_scope:errpath_scope_%s",
			      variant->scope));
	ASSERT_EQ(0, arm(variant->point));
	ASSERT_EQ(0, module_load("errpath_scope", ""));
	expect_right(_metadata, variant->which, variant->scope, FEW, "inside");
	expect_right(_metadata, variant->which, variant->scope, MANY / 100, "random");
	EXPECT_GE(2, walked(variant->point));
}

/* Without kprobes no task is marked. */
TEST_F(scope, kprobes_are_switched_off)
{
	ASSERT_EQ(0, arm(variant->point));
	expect_right(_metadata, variant->which, variant->scope, FEW, "random");
	ASSERT_EQ(0, file_write(KPROBES_ENABLED, "0"));
	EXPECT_STREQ("dead", point_state(variant->point));
	ASSERT_EQ(0, file_write(KPROBES_ENABLED, "1"));
	EXPECT_STREQ("armed", point_state(variant->point));
	expect_right(_metadata, variant->which, variant->scope, FEW, "random");
}

/*
 * An intercepted function is above a call of itself only if it is recursive. The mark of the
 * call is set before errpath sees the call if the knob is written when the point is armed.
 */
TEST_F(scope, function_is_not_above_itself)
{
	struct walk result;
	struct stats s;

	ASSERT_EQ(0, arm(variant->point));
	ASSERT_EQ(0, knob_set(variant->point, "caller", "stack:errpath_%s", variant->point));
	ASSERT_EQ(0, walk(variant->which, variant->scope, FEW, "outside", &result));
	EXPECT_EQ(0, result.wrong);
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(FEW, s.seen);
	EXPECT_EQ(0, s.matched);
}

FIXTURE(unprobed)
{
	int guard;
};

FIXTURE_SETUP(unprobed)
{
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, module_load("errpath_scope", ""));
	ASSERT_EQ(0, knob_set("target", "verbose", "0"));
	ASSERT_EQ(0, knob_set("target", "times", "-1"));
	ASSERT_EQ(0, knob_set("target", "task-filter", "N"));
}

FIXTURE_TEARDOWN_PARENT(unprobed)
{
	EXPECT_STREQ("off", point_state("target"));
	EXPECT_EQ(0, module_unload("errpath_scope"));
}

/* A function that can have no kprobe needs the walk for each call. */
TEST_F(unprobed, stack_is_walked)
{
	struct walk result;

	ASSERT_EQ(0, knob_set("target", "caller", "stack:errpath_scope_above_unprobed"));
	ASSERT_EQ(0, arm("target"));
	ASSERT_EQ(0, walk("traced", "above_unprobed", MANY / 100, "random", &result));
	EXPECT_EQ(0, result.wrong);
	EXPECT_EQ(result.calls, walked("target"));
}

/* So does a list in which one function can have none. */
TEST_F(unprobed, list_is_walked)
{
	struct walk result;

	ASSERT_EQ(0, knob_set("target", "caller",
			      "stack:errpath_scope_above stack:errpath_scope_above_unprobed"));
	ASSERT_EQ(0, arm("target"));
	ASSERT_EQ(0, walk("traced", "above", MANY / 100, "random", &result));
	EXPECT_EQ(0, result.wrong);
	ASSERT_EQ(0, walk("traced", "above_unprobed", MANY / 100, "random", &result));
	EXPECT_EQ(0, result.wrong);
}

TEST_HARNESS_MAIN
