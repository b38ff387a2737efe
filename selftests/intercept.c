// SPDX-License-Identifier: GPL-2.0
/*
 * Functions are intercepted in every context, together with other hooks at the same
 * function, and while modules are loaded and unloaded. A function that another hook
 * modifies is not intercepted.
 *
 * This file has what is true for ftrace and for kprobes; see also interception/ftrace.c
 * and interception/kprobe.c.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/target.h"

#include "interception/target.h"

FIXTURE(intercept)
{
	const struct target *target;
	int guard;
};

FIXTURE_VARIANT(intercept)
{
	const struct target *target;
};

FIXTURE_VARIANT_ADD(intercept, ftrace)
{
	.target = &target_traced,
};

FIXTURE_VARIANT_ADD(intercept, kprobe)
{
	.target = &target_notrace,
};

FIXTURE_SETUP(intercept)
{
	self->target = variant->target;
	self->guard = target_open_guard(self->target);
	ASSERT_LE(0, self->guard);
}

FIXTURE_TEARDOWN_PARENT(intercept)
{
	EXPECT_EQ(0, target_clean_up());
}

static const char * const contexts[] = { "task", "atomic", "softirq", "irq" };

TEST_F(intercept, every_context_is_failed)
{
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(0, target_arm_all(self->target));
		target_expect_calls(_metadata, self->target, contexts[i], CALLS, CALLS);
		ASSERT_EQ(0, disarm(self->target->point));
	}
}

/* An interrupt runs on the stack of some task, but not on its behalf. */
TEST_F(intercept, task_filter_spares_interrupts)
{
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(0, arm_times(self->target->point, -1));
		target_expect_calls(_metadata, self->target, contexts[i], CALLS,
				    i < 2 ? CALLS : 0);
		ASSERT_EQ(0, disarm(self->target->point));
	}
}

/*
 * Hooks that only observe see every call, whether they were installed before errpath or
 * after it. There is one exception: a kprobe on a notrace function that was installed
 * first does not see the calls that fail, because kprobes calls no further handlers after
 * one that changed the flow.
 */
TEST_F(intercept, observers_are_undisturbed)
{
	static const char * const kinds[] = { "kprobe", "kretprobe", "ftrace" };

	ASSERT_EQ(0, module_load("errpath_rival", ""));
	for (int i = 0; i < (self->target->traceable ? 3 : 2); i++) {
		/* Install the observer, then arm. */
		ASSERT_EQ(0, rival_set(kinds[i], self->target->function));
		ASSERT_EQ(0, target_arm_all(self->target));
		target_expect_calls(_metadata, self->target, "task", CALLS, CALLS);
		EXPECT_EQ(self->target->traceable ? CALLS : 0, rival_hits());

		/* Disarm: the observer must see calls as before. */
		ASSERT_EQ(0, disarm(self->target->point));
		EXPECT_EQ(0, target_make_calls(self->target));
		EXPECT_EQ(self->target->traceable ? 2 * CALLS : CALLS, rival_hits());
		ASSERT_EQ(0, rival_set("none", ""));

		/* Arm, then install the observer. */
		ASSERT_EQ(0, target_arm_all(self->target));
		ASSERT_EQ(0, rival_set(kinds[i], self->target->function));
		target_expect_calls(_metadata, self->target, "task", CALLS, CALLS);
		EXPECT_EQ(CALLS, rival_hits());
		ASSERT_EQ(0, disarm(self->target->point));
		ASSERT_EQ(0, rival_set("none", ""));
	}
}

TEST_F(intercept, modifiers_keep_us_off)
{
	static const char * const kinds[] = { "post_handler", "ipmodify" };
	char armed[16];

	ASSERT_EQ(0, module_load("errpath_rival", ""));
	for (int i = 0; i < (self->target->traceable ? 2 : 1); i++) {
		/* With the other hook installed, arming must fail and change nothing. */
		ASSERT_EQ(0, rival_set(kinds[i], self->target->function));
		EXPECT_EQ(-EBUSY, target_arm_all(self->target));
		ASSERT_EQ(0, knob_get(self->target->point, "probability", armed,
				      sizeof(armed)));
		EXPECT_STREQ("0", armed);
		EXPECT_EQ(0, target_make_calls(self->target));
		EXPECT_EQ(CALLS, rival_hits());

		/* Without it, arming must succeed. */
		ASSERT_EQ(0, rival_set("none", ""));
		ASSERT_EQ(0, target_arm_all(self->target));
		target_expect_calls(_metadata, self->target, "task", CALLS, CALLS);
		ASSERT_EQ(0, disarm(self->target->point));
	}
}

/* A kretprobe replaces the return address by that of a trampoline. */
TEST_F(intercept, caller_is_known_behind_kretprobe)
{
	ASSERT_EQ(0, module_load("errpath_rival", ""));
	ASSERT_EQ(0, knob_set(self->target->point, "caller", "errpath_target_caller"));
	ASSERT_EQ(0, target_arm_all(self->target));
	ASSERT_EQ(0, rival_set("kretprobe", self->target->function));
	target_expect_calls(_metadata, self->target, "task", CALLS, CALLS);
	EXPECT_EQ(CALLS, rival_hits());
	ASSERT_EQ(0, rival_set("none", ""));
}

/* Hooks the return of @function by "kretprobe" or by the tracer "function_graph". */
static int return_hook(const char *kind, const char *function)
{
	int err;

	if (!strcmp(kind, "kretprobe"))
		return rival_set(kind, function);
	err = file_write(TRACING "/set_ftrace_filter", function);
	return err ?: file_write(TRACING "/current_tracer", kind);
}

static int return_unhook(const char *kind)
{
	if (!strcmp(kind, "kretprobe"))
		return rival_set("none", "");
	return file_write(TRACING "/current_tracer", "nop");
}

/* Compilers make no tail calls in a kernel that is built with frame pointers. */
static bool makes_tail_calls(const char *point, const char *function, const char *which)
{
	struct target_calls calls;
	int err = knob_set(point, "caller", " ") ?: knob_set(point, "probability", "100");

	if (!err)
		err = target_call(1, which, "task", &calls);
	return !err && !stats_site(point, function) && !disarm(point);
}

/*
 * A function that ends in a jump to the intercepted one leaves only its return address on
 * the stack, and a hook replaces that by the address of a trampoline.
 */
TEST_F(intercept, caller_is_known_behind_a_tail_call)
{
	static const char * const hooks[] = { "kretprobe", "function_graph" };
	char function[64], which[32], text[256];
	struct target_calls calls;

	snprintf(function, sizeof(function), "%s_tail", self->target->function);
	snprintf(which, sizeof(which), "%s_tail", self->target->which);
	ASSERT_EQ(0, module_load("errpath_rival", ""));
	ASSERT_EQ(0, knob_set(self->target->point, "tasks", "self"));
	if (!makes_tail_calls(self->target->point, function, which))
		SKIP(return, "this kernel is built with frame pointers: %s() makes no tail call",
		     function);
	ASSERT_LT(0, file_read(TRACING "/available_tracers", text, sizeof(text)));
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (i && !strstr(text, hooks[i]))
			continue;

		/* Fail calls from errpath_target_caller(), behind the hooked function. */
		ASSERT_EQ(0, return_hook(hooks[i], function));
		ASSERT_EQ(0, knob_set(self->target->point, "caller", "errpath_target_caller"));
		ASSERT_EQ(0, target_arm_all(self->target));
		EXPECT_EQ(0, target_call(CALLS, which, "task", &calls));
		EXPECT_EQ(CALLS, calls.failed) TH_LOG("%s", hooks[i]);
		EXPECT_EQ(CALLS, stats_site(self->target->point, "errpath_target_caller"))
			TH_LOG("%s", hooks[i]);

		/* Fail calls with vfs_write() on the stack. */
		ASSERT_EQ(0, knob_set(self->target->point, "caller", "stack:vfs_write"));
		EXPECT_EQ(0, target_call(CALLS, which, "task", &calls));
		EXPECT_EQ(CALLS, calls.failed) TH_LOG("%s, by the stack", hooks[i]);
		ASSERT_EQ(0, disarm(self->target->point));
		ASSERT_EQ(0, return_unhook(hooks[i]));
	}
}

static bool status_shows_state(const char *point, const char *state)
{
	char status[8192], row[128];

	if (file_read(ERRPATH "/status", status, sizeof(status)) < 0)
		return false;
	snprintf(row, sizeof(row), "\n%-16s %-7s ", point, state);
	return strstr(status, row);
}

TEST_F(intercept, module_comes_and_goes_while_armed)
{
	struct target_calls calls = {};
	struct stats s = {};

	/* Arm a point whose module is not loaded. */
	ASSERT_EQ(0, module_unload("errpath_target"));
	EXPECT_TRUE(status_shows_state(self->target->point, "waiting"));
	ASSERT_EQ(0, target_arm_all(self->target));
	EXPECT_TRUE(status_shows_state(self->target->point, "pending"));

	/* Load and unload the module twice: its function must be intercepted each time. */
	for (int round = 1; round <= 2; round++) {
		ASSERT_EQ(0, module_load("errpath_target", ""));
		EXPECT_TRUE(status_shows_state(self->target->point, "armed"));
		EXPECT_EQ(0, target_call(CALLS, self->target->which, "task", &calls));
		EXPECT_EQ(CALLS, calls.failed);
		EXPECT_EQ(0, stats_read(self->target->point, &s));
		EXPECT_EQ(round * CALLS, s.injected);
		ASSERT_EQ(0, module_unload("errpath_target"));
		EXPECT_TRUE(status_shows_state(self->target->point, "pending"));
	}

	/* Disarm before the module is loaded: its function must be left alone. */
	ASSERT_EQ(0, disarm(self->target->point));
	ASSERT_EQ(0, module_load("errpath_target", ""));
	EXPECT_TRUE(status_shows_state(self->target->point, "off"));
	EXPECT_EQ(0, target_make_calls(self->target));
}

/* A thread that calls the function until the test stops it. */
struct hitter {
	pthread_t thread;
	const char *which;
	unsigned long made;
	unsigned long failed;
	int err;
};

static atomic_bool stop_hitting;

static void *hit(void *data)
{
	struct target_calls calls;
	struct hitter *hitter = data;

	while (!stop_hitting && !hitter->err) {
		hitter->err = target_call(100, hitter->which, "task", &calls);
		hitter->made += calls.made;
		hitter->failed += calls.failed;
		usleep(1000);	/* for the test's own thread, if there is one CPU */
	}
	return NULL;
}

#define HITTERS 2

static int start_hitters(struct hitter *hitters, const char *which)
{
	stop_hitting = false;
	for (int i = 0; i < HITTERS; i++) {
		hitters[i] = (struct hitter) { .which = which };
		if (pthread_create(&hitters[i].thread, NULL, hit, &hitters[i]))
			return -1;
	}
	return 0;
}

static int stop_hitters(struct hitter *hitters, unsigned long *failed)
{
	int err = 0;

	stop_hitting = true;
	*failed = 0;
	for (int i = 0; i < HITTERS; i++) {
		pthread_join(hitters[i].thread, NULL);
		*failed += hitters[i].failed;
		err = err ?: hitters[i].err;
	}
	return err;
}

/* The callers must see as many failures as the point counts. */
TEST_F(intercept, arming_and_disarming_while_hit)
{
	unsigned long failed, counted = 0;
	struct hitter hitters[HITTERS];
	struct stats s;

	ASSERT_EQ(0, start_hitters(hitters, self->target->which));
	for (int round = 0; round < 5; round++) {
		ASSERT_EQ(0, target_arm_all(self->target));
		usleep(10000);
		ASSERT_EQ(0, disarm(self->target->point));
		ASSERT_EQ(0, stats_read(self->target->point, &s));
		EXPECT_EQ(0, s.missed);
		counted += s.injected;
	}
	ASSERT_EQ(0, stop_hitters(hitters, &failed));
	EXPECT_LT(0, failed);
	EXPECT_EQ(counted, failed);
}

TEST_F(intercept, unloading_while_armed_and_hit)
{
	struct hitter hitters[HITTERS];
	unsigned long failed;

	ASSERT_EQ(0, close(self->guard));
	ASSERT_EQ(0, start_hitters(hitters, self->target->which));
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(0, knob_set(self->target->point, "verbose", "0"));
		ASSERT_EQ(0, target_arm_all(self->target));
		usleep(10000);
		ASSERT_EQ(0, module_unload("errpath"));
		ASSERT_EQ(0, module_load("errpath", ""));
	}
	ASSERT_EQ(0, stop_hitters(hitters, &failed));
	EXPECT_LT(0, failed);
}

TEST_HARNESS_MAIN
