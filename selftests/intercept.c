// SPDX-License-Identifier: GPL-2.0
/*
 * Interception in every context, beside others who are at the same function,
 * against those who modify it, and while modules come and go.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "lib/harness.h"

#include "lib/bpf.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/target.h"
#include "lib/verdict.h"

#define CALLS 50
#define RIVAL "/sys/kernel/debug/errpath_rival"
#define TRACING "/sys/kernel/tracing"
#define FTRACE_ENABLED "/proc/sys/kernel/ftrace_enabled"
#define LIVEPATCH "/sys/kernel/livepatch/errpath_livepatch"

/* A function that exists to be failed, and its point. */
struct target {
	const char *point;
	const char *function;
	const char *which;
	bool traceable;
};

static const struct target traced = {
	.point = "target",
	.function = "errpath_target",
	.which = "traced",
	.traceable = true,
};

static const struct target notrace = {
	.point = "target_notrace",
	.function = "errpath_target_notrace",
	.which = "notrace",
};

static int take_guard(const struct target *t)
{
	int guard = guard_open();

	return guard < 0 ? guard : knob_set(t->point, "verbose", "0") ?: guard;
}

/* The guard went with the process of the test; what is not errpath's did not. */
static int clean_up(void)
{
	int err = 0;

	file_write(RIVAL "/set", "none");
	file_write(TRACING "/current_tracer", "nop");
	file_write(TRACING "/set_ftrace_filter", "");
	file_write(FTRACE_ENABLED, "1");
	if (module_loaded("errpath_rival"))
		err = module_unload("errpath_rival");
	if (!module_loaded("errpath_target"))
		err = err ?: module_load("errpath_target", "");
	if (!module_loaded("errpath"))
		err = err ?: module_load("errpath", "");
	return err;
}

/* What holds for both mechanisms. */
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
	.target = &traced,
};

FIXTURE_VARIANT_ADD(intercept, kprobe)
{
	.target = &notrace,
};

FIXTURE_SETUP(intercept)
{
	self->target = variant->target;
	self->guard = take_guard(self->target);
	ASSERT_LE(0, self->guard);
}

FIXTURE_TEARDOWN_PARENT(intercept)
{
	EXPECT_EQ(0, clean_up());
}

/* What only a traceable function can have, */
FIXTURE(by_ftrace)
{
	const struct target *target;
	int guard;
};

FIXTURE_SETUP(by_ftrace)
{
	self->target = &traced;
	self->guard = take_guard(self->target);
	ASSERT_LE(0, self->guard);
}

FIXTURE_TEARDOWN_PARENT(by_ftrace)
{
	EXPECT_EQ(0, clean_up());
}

/* and what only a notrace one. */
FIXTURE(by_kprobe)
{
	const struct target *target;
	int guard;
};

FIXTURE_SETUP(by_kprobe)
{
	self->target = &notrace;
	self->guard = take_guard(self->target);
	ASSERT_LE(0, self->guard);
}

FIXTURE_TEARDOWN_PARENT(by_kprobe)
{
	EXPECT_EQ(0, clean_up());
}

/* Fail every call of everybody. */
static int arm_all(const char *point)
{
	int err = knob_set(point, "task-filter", "N");

	err = err ?: knob_set(point, "times", "-1");
	return err ?: knob_set(point, "probability", "100");
}

/* CALLS calls, of which the point saw, matched and failed as many as told. */
static void expect_calls(struct __test_metadata *_metadata,
			 const struct target *t, const char *context,
			 unsigned long seen, unsigned long injected)
{
	struct target_calls calls = {};
	struct stats s = {};

	EXPECT_EQ(0, target_call(CALLS, t->which, context, &calls));
	EXPECT_EQ(0, stats_read(t->point, &s));
	EXPECT_EQ(CALLS, calls.made);
	EXPECT_EQ(injected, calls.failed);
	EXPECT_EQ(seen, s.seen);
	EXPECT_EQ(injected, s.matched);
	EXPECT_EQ(injected, s.injected);
}

/* As many more, whose fate does not matter. */
static int call_on(const struct target *t)
{
	struct target_calls calls;

	return target_call(CALLS, t->which, "task", &calls);
}

static const char * const contexts[] = { "task", "atomic", "softirq", "irq" };

TEST_F(intercept, every_context_is_failed)
{
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(0, arm_all(self->target->point));
		expect_calls(_metadata, self->target, contexts[i], CALLS,
			     CALLS);
		ASSERT_EQ(0, disarm(self->target->point));
	}
}

/* Interrupts borrow a task; they are not it. */
TEST_F(intercept, task_filter_spares_interrupts)
{
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(0, arm_times(self->target->point, -1));
		expect_calls(_metadata, self->target, contexts[i], CALLS,
			     i < 2 ? CALLS : 0);
		ASSERT_EQ(0, disarm(self->target->point));
	}
}

static int rival_set(const char *kind, const char *function)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %s", kind, function);
	return file_write(RIVAL "/set", text);
}

static long rival_hits(void)
{
	char text[64];

	if (file_read(RIVAL "/hits", text, sizeof(text)) < 0)
		return -1;
	return atol(text);
}

/*
 * Observers that were there first go on observing, and so do later ones. But a
 * kprobe on a notrace function sees no call that we let fail if it was there
 * first: kprobes ends its round of handlers at the one that changes the flow.
 */
TEST_F(intercept, observers_are_undisturbed)
{
	static const char * const kinds[] = { "kprobe", "kretprobe", "ftrace" };

	ASSERT_EQ(0, module_load("errpath_rival", ""));
	for (int i = 0; i < (self->target->traceable ? 3 : 2); i++) {
		ASSERT_EQ(0, rival_set(kinds[i], self->target->function));
		ASSERT_EQ(0, arm_all(self->target->point));
		expect_calls(_metadata, self->target, "task", CALLS, CALLS);
		EXPECT_EQ(self->target->traceable ? CALLS : 0, rival_hits());
		ASSERT_EQ(0, disarm(self->target->point));
		EXPECT_EQ(0, call_on(self->target));
		EXPECT_EQ(self->target->traceable ? 2 * CALLS : CALLS, rival_hits());
		ASSERT_EQ(0, rival_set("none", ""));

		ASSERT_EQ(0, arm_all(self->target->point));
		ASSERT_EQ(0, rival_set(kinds[i], self->target->function));
		expect_calls(_metadata, self->target, "task", CALLS, CALLS);
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
		ASSERT_EQ(0, rival_set(kinds[i], self->target->function));
		EXPECT_EQ(-EBUSY, arm_all(self->target->point));
		ASSERT_EQ(0, knob_get(self->target->point, "probability", armed,
				      sizeof(armed)));
		EXPECT_STREQ("0", armed);
		EXPECT_EQ(0, call_on(self->target));
		EXPECT_EQ(CALLS, rival_hits());

		ASSERT_EQ(0, rival_set("none", ""));
		ASSERT_EQ(0, arm_all(self->target->point));
		expect_calls(_metadata, self->target, "task", CALLS, CALLS);
		ASSERT_EQ(0, disarm(self->target->point));
	}
}

/* And we keep them off, where the kernel has a way to tell them. */
TEST_F(by_ftrace, we_keep_modifiers_off)
{
	static const char * const kinds[] = { "post_handler", "ipmodify" };
	struct verdict v;

	ASSERT_EQ(0, module_load("errpath_rival", ""));
	VERDICT_BEGIN(&v, "");
	for (int i = 0; i < 2; i++) {
		int err;

		ASSERT_EQ(0, arm_all(self->target->point));
		err = rival_set(kinds[i], self->target->function);
		EXPECT_EQ(-EBUSY, verdict_errno(&v, kinds[i], err, -EBUSY));
		expect_calls(_metadata, self->target, "task", CALLS, CALLS);
		EXPECT_EQ(0, rival_hits());
		if (!err)
			ASSERT_EQ(0, rival_set("none", ""));
		ASSERT_EQ(0, disarm(self->target->point));
	}
	VERDICT_END(&v);
}

/* A kretprobe puts a trampoline where the return address was. */
TEST_F(intercept, caller_is_known_behind_kretprobe)
{
	ASSERT_EQ(0, module_load("errpath_rival", ""));
	ASSERT_EQ(0, knob_set(self->target->point, "caller",
			      "errpath_target_caller"));
	ASSERT_EQ(0, arm_all(self->target->point));
	ASSERT_EQ(0, rival_set("kretprobe", self->target->function));
	expect_calls(_metadata, self->target, "task", CALLS, CALLS);
	EXPECT_EQ(CALLS, rival_hits());
	ASSERT_EQ(0, rival_set("none", ""));
}

/* The return of @function is hooked, by a kretprobe or the function graph tracer. */
static int hook_return(const char *by, const char *function)
{
	int err;

	if (!strcmp(by, "kretprobe"))
		return rival_set(by, function);
	err = file_write(TRACING "/set_ftrace_filter", function);
	return err ?: file_write(TRACING "/current_tracer", by);
}

static int unhook_return(const char *by)
{
	if (!strcmp(by, "kretprobe"))
		return rival_set("none", "");
	return file_write(TRACING "/current_tracer", "nop");
}

/*
 * Of a function that ends in a jump to the intercepted one, only the return address is
 * left; and that is a trampoline's.
 */
TEST_F(intercept, caller_is_known_behind_a_tail_call)
{
	static const char * const hooks[] = { "kretprobe", "function_graph" };
	char function[64], which[32], text[256];
	struct target_calls calls;

	snprintf(function, sizeof(function), "%s_tail", self->target->function);
	snprintf(which, sizeof(which), "%s_tail", self->target->which);
	ASSERT_EQ(0, module_load("errpath_rival", ""));
	ASSERT_LT(0, file_read(TRACING "/available_tracers", text, sizeof(text)));
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (i && !strstr(text, hooks[i]))
			continue;
		ASSERT_EQ(0, hook_return(hooks[i], function));
		ASSERT_EQ(0, knob_set(self->target->point, "caller", "errpath_target_caller"));
		ASSERT_EQ(0, arm_all(self->target->point));
		EXPECT_EQ(0, target_call(CALLS, which, "task", &calls));
		EXPECT_EQ(CALLS, calls.failed) TH_LOG("%s", hooks[i]);
		EXPECT_EQ(CALLS, stats_site(self->target->point, "errpath_target_caller"))
			TH_LOG("%s", hooks[i]);
		ASSERT_EQ(0, knob_set(self->target->point, "caller", "stack:vfs_write"));
		EXPECT_EQ(0, target_call(CALLS, which, "task", &calls));
		EXPECT_EQ(CALLS, calls.failed) TH_LOG("%s, by the stack", hooks[i]);
		ASSERT_EQ(0, disarm(self->target->point));
		ASSERT_EQ(0, unhook_return(hooks[i]));
	}
}

TEST_F(by_kprobe, calls_from_handlers_are_counted_as_missed)
{
	struct stats s;

	ASSERT_EQ(0, module_load("errpath_rival", ""));
	ASSERT_EQ(0, arm_all(self->target->point));
	ASSERT_EQ(0, rival_set("nesting", "errpath_target_caller"));
	expect_calls(_metadata, self->target, "task", CALLS, CALLS);
	ASSERT_EQ(0, stats_read(self->target->point, &s));
	EXPECT_EQ(CALLS, s.missed);
	ASSERT_EQ(0, rival_set("none", ""));
	ASSERT_EQ(0, disarm(self->target->point));
	ASSERT_EQ(0, stats_read(self->target->point, &s));
	EXPECT_EQ(CALLS, s.missed);
}

static int count_in_trace(const char *function)
{
	static char text[1 << 20];
	char name[128];
	int n = 0;

	snprintf(name, sizeof(name), ": %s <-", function);
	if (file_read(TRACING "/trace", text, sizeof(text)) < 0)
		return -1;
	for (char *at = text; (at = strstr(at, name)); at++)
		n++;
	return n;
}

TEST_F(by_ftrace, function_tracer_goes_on)
{
	ASSERT_EQ(0, file_write(TRACING "/set_ftrace_filter",
				self->target->function));
	ASSERT_EQ(0, file_write(TRACING "/current_tracer", "function"));
	ASSERT_EQ(0, file_write(TRACING "/trace", ""));
	ASSERT_EQ(0, arm_all(self->target->point));
	expect_calls(_metadata, self->target, "task", CALLS, CALLS);
	ASSERT_EQ(0, disarm(self->target->point));
	EXPECT_EQ(CALLS, count_in_trace(self->target->function));
	EXPECT_EQ(0, call_on(self->target));
	EXPECT_EQ(2 * CALLS, count_in_trace(self->target->function));
}

TEST_F(by_ftrace, bpf_goes_on)
{
	int err = file_write("/proc/sys/kernel/bpf_stats_enabled", "1");
	int program, event;

	if (err == -ENOENT)
		SKIP(return, "this kernel has no CONFIG_BPF_SYSCALL");
	ASSERT_EQ(0, err);
	program = bpf_load_for_kprobe();
	ASSERT_LE(0, program);
	ASSERT_EQ(0, arm_all(self->target->point));
	event = bpf_attach_to_kprobe(program, self->target->function);
	ASSERT_LE(0, event);
	expect_calls(_metadata, self->target, "task", CALLS, CALLS);
	EXPECT_EQ(CALLS, bpf_runs(program));
	ASSERT_EQ(0, disarm(self->target->point));
	EXPECT_EQ(0, call_on(self->target));
	EXPECT_EQ(2 * CALLS, bpf_runs(program));
	close(event);
	close(program);
	ASSERT_EQ(0, file_write("/proc/sys/kernel/bpf_stats_enabled", "0"));
}

/* A kernel may know no such switch (7.3 answers EOPNOTSUPP): so much the better. */
TEST_F(by_ftrace, ftrace_cannot_be_switched_off_under_us)
{
	int err = file_write(FTRACE_ENABLED, "0");

	if (err != -EOPNOTSUPP) {
		ASSERT_EQ(0, err);
		EXPECT_EQ(-EBUSY, arm_all(self->target->point));
		ASSERT_EQ(0, file_write(FTRACE_ENABLED, "1"));
		err = -EBUSY;
	}
	ASSERT_EQ(0, arm_all(self->target->point));
	EXPECT_EQ(err, file_write(FTRACE_ENABLED, "0"));
	expect_calls(_metadata, self->target, "task", CALLS, CALLS);
}

static bool livepatch_is(const char *file, const char *value)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), LIVEPATCH "/%s", file);
	return file_read(path, text, sizeof(text)) > 0 &&
	       !strncmp(text, value, strlen(value));
}

/* A transition ends once every task was seen in a safe place. */
static bool livepatch_settles(void)
{
	for (int tries = 0; tries < 100; tries++) {
		if (livepatch_is("transition", "0") || access(LIVEPATCH, F_OK))
			return true;
		usleep(100000);
	}
	return false;
}

/* The kernel lets go of a disabled patch's module a little later. */
static int livepatch_unload(void)
{
	int err = -EAGAIN;

	for (int tries = 0; err == -EAGAIN && tries < 50; tries++) {
		err = module_unload("errpath_livepatch");
		if (err)
			usleep(100000);
	}
	return err;
}

TEST_F(by_ftrace, livepatch_keeps_us_off)
{
	struct target_calls calls;
	int err;

	err = module_load("errpath_livepatch", "");
	if (err == -ENOENT)
		SKIP(return, "this kernel has no CONFIG_LIVEPATCH");
	ASSERT_EQ(0, err);
	ASSERT_TRUE(livepatch_settles());
	EXPECT_EQ(-EBUSY, arm_all(self->target->point));
	EXPECT_EQ(0, target_call(1, self->target->which, "task", &calls));
	EXPECT_EQ(-ESTALE, calls.last_errno);

	ASSERT_EQ(0, file_write(LIVEPATCH "/enabled", "0"));
	ASSERT_TRUE(livepatch_settles());
	EXPECT_EQ(0, livepatch_unload());
	ASSERT_EQ(0, arm_all(self->target->point));
	expect_calls(_metadata, self->target, "task", CALLS, CALLS);
}

static bool status_says(const char *point, const char *state)
{
	char status[8192], row[128];

	if (file_read(ERRPATH "/status", status, sizeof(status)) < 0)
		return false;
	snprintf(row, sizeof(row), "\n%-16s %-7s ", point, state);
	return strstr(status, row);
}

/* Armed for a module that is not there, that comes, that goes, that is back. */
TEST_F(intercept, module_comes_and_goes_while_armed)
{
	struct target_calls calls = {};
	struct stats s = {};

	ASSERT_EQ(0, module_unload("errpath_target"));
	EXPECT_TRUE(status_says(self->target->point, "waiting"));
	ASSERT_EQ(0, arm_all(self->target->point));
	EXPECT_TRUE(status_says(self->target->point, "waiting"));
	for (int round = 1; round <= 2; round++) {
		ASSERT_EQ(0, module_load("errpath_target", ""));
		EXPECT_TRUE(status_says(self->target->point, "armed"));
		EXPECT_EQ(0, target_call(CALLS, self->target->which, "task", &calls));
		EXPECT_EQ(CALLS, calls.failed);
		EXPECT_EQ(0, stats_read(self->target->point, &s));
		EXPECT_EQ(round * CALLS, s.injected);
		ASSERT_EQ(0, module_unload("errpath_target"));
		EXPECT_TRUE(status_says(self->target->point, "waiting"));
	}
	ASSERT_EQ(0, disarm(self->target->point));
	ASSERT_EQ(0, module_load("errpath_target", ""));
	EXPECT_TRUE(status_says(self->target->point, "off"));
	EXPECT_EQ(0, call_on(self->target));
}

/* Calls from all CPUs at once, until told to stop. */
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
		usleep(1000);	/* one CPU may be all there is */
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

/* Each failure that a caller saw is one that the point counted, and no more. */
TEST_F(intercept, arming_and_disarming_while_hit)
{
	unsigned long failed, counted = 0;
	struct hitter hitters[HITTERS];
	struct stats s;

	ASSERT_EQ(0, start_hitters(hitters, self->target->which));
	for (int round = 0; round < 5; round++) {
		ASSERT_EQ(0, arm_all(self->target->point));
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
		ASSERT_EQ(0, arm_all(self->target->point));
		usleep(10000);
		ASSERT_EQ(0, module_unload("errpath"));
		ASSERT_EQ(0, module_load("errpath", ""));
	}
	ASSERT_EQ(0, stop_hitters(hitters, &failed));
	EXPECT_LT(0, failed);
}

TEST_HARNESS_MAIN
