// SPDX-License-Identifier: GPL-2.0
/* Interception of a function that ftrace can intercept, and the other users of ftrace. */
#include "lib/bpf.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/target.h"
#include "lib/verdict.h"
#include "lib/vmbus.h"

#include "interception/target.h"

#define LIVEPATCH "/sys/kernel/livepatch/errpath_livepatch"

FIXTURE(by_ftrace)
{
	const struct target *target;
	int guard;
};

FIXTURE_SETUP(by_ftrace)
{
	self->target = &target_traced;
	self->guard = target_open_guard(self->target);
	ASSERT_LE(0, self->guard);
}

FIXTURE_TEARDOWN_PARENT(by_ftrace)
{
	EXPECT_EQ(0, target_clean_up());
}

/*
 * A hook that modifies the function is refused, by kernels that report the conflict. On arm64 a
 * kprobe does not use ftrace, but is put before its call: both can be on a function.
 */
TEST_F(by_ftrace, we_keep_modifiers_off)
{
	static const char * const kinds[] = {
		"ipmodify",
#ifndef __aarch64__
		"post_handler",
#endif
	};
	struct verdict v;

	ASSERT_EQ(0, module_load("errpath_rival", ""));
	VERDICT_BEGIN(&v, "");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int err;

		ASSERT_EQ(0, target_arm_all(self->target));
		err = rival_set(kinds[i], self->target->function);
		EXPECT_EQ(-EBUSY, verdict_errno(&v, kinds[i], err, -EBUSY));
		target_expect_calls(_metadata, self->target, "task", CALLS, CALLS);
		EXPECT_EQ(0, rival_hits());
		if (!err)
			ASSERT_EQ(0, rival_set("none", ""));
		ASSERT_EQ(0, disarm(self->target->point));
	}
	VERDICT_END(&v);
}

static int trace_count_calls(const char *function)
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
	/* Trace the function. */
	ASSERT_EQ(0, file_write(TRACING "/set_ftrace_filter", self->target->function));
	ASSERT_EQ(0, file_write(TRACING "/current_tracer", "function"));
	ASSERT_EQ(0, file_write(TRACING "/trace", ""));

	/* The trace must have the calls that fail, and those after the disarming. */
	ASSERT_EQ(0, target_arm_all(self->target));
	target_expect_calls(_metadata, self->target, "task", CALLS, CALLS);
	ASSERT_EQ(0, disarm(self->target->point));
	EXPECT_EQ(CALLS, trace_count_calls(self->target->function));
	EXPECT_EQ(0, target_make_calls(self->target));
	EXPECT_EQ(2 * CALLS, trace_count_calls(self->target->function));
}

TEST_F(by_ftrace, bpf_goes_on)
{
	int err = file_write("/proc/sys/kernel/bpf_stats_enabled", "1");
	int program, event;

	if (err == -ENOENT)
		SKIP(return, "this kernel has no CONFIG_BPF_SYSCALL");
	ASSERT_EQ(0, err);

	/* Attach a BPF program after the arming. */
	program = bpf_load_for_kprobe();
	ASSERT_LE(0, program);
	ASSERT_EQ(0, target_arm_all(self->target));
	event = bpf_attach_to_kprobe(program, self->target->function);
	ASSERT_LE(0, event);

	/* It must run for the calls that fail, and for those after the disarming. */
	target_expect_calls(_metadata, self->target, "task", CALLS, CALLS);
	EXPECT_EQ(CALLS, bpf_runs(program));
	ASSERT_EQ(0, disarm(self->target->point));
	EXPECT_EQ(0, target_make_calls(self->target));
	EXPECT_EQ(2 * CALLS, bpf_runs(program));
	close(event);
	close(program);
	ASSERT_EQ(0, file_write("/proc/sys/kernel/bpf_stats_enabled", "0"));
}

/* 7.3 has no such switch any more, and returns EOPNOTSUPP. */
TEST_F(by_ftrace, ftrace_cannot_be_switched_off_under_us)
{
	int err;

	/* An earlier program may have left vmbus_sim.ko, which intercepts functions, too. */
	ASSERT_EQ(0, vmbus_unload());
	err = file_write(FTRACE_ENABLED, "0");

	/* While ftrace is off, arming must fail. */
	if (err != -EOPNOTSUPP) {
		ASSERT_EQ(0, err);
		EXPECT_EQ(-EBUSY, target_arm_all(self->target));
		ASSERT_EQ(0, file_write(FTRACE_ENABLED, "1"));
		err = -EBUSY;
	}

	/* While a point is armed, ftrace cannot be switched off. */
	ASSERT_EQ(0, target_arm_all(self->target));
	EXPECT_EQ(err, file_write(FTRACE_ENABLED, "0"));
	target_expect_calls(_metadata, self->target, "task", CALLS, CALLS);
}

static bool livepatch_is(const char *file, const char *value)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), LIVEPATCH "/%s", file);
	return file_read(path, text, sizeof(text)) > 0 &&
	       !strncmp(text, value, strlen(value));
}

/* A transition ends when every task has been outside the patched function. */
static bool livepatch_settles(void)
{
	for (int tries = 0; tries < 100; tries++) {
		if (livepatch_is("transition", "0") || access(LIVEPATCH, F_OK))
			return true;
		usleep(100000);
	}
	return false;
}

/* The kernel drops its reference to the module of a disabled patch after a short time. */
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

	/* With the function patched, arming must fail. */
	ASSERT_TRUE(livepatch_settles());
	EXPECT_EQ(-EBUSY, target_arm_all(self->target));
	EXPECT_EQ(0, target_call(1, self->target->which, "task", &calls));
	EXPECT_EQ(-ESTALE, calls.last_errno);

	/* Without the patch, arming must succeed. */
	ASSERT_EQ(0, file_write(LIVEPATCH "/enabled", "0"));
	ASSERT_TRUE(livepatch_settles());
	EXPECT_EQ(0, livepatch_unload());
	ASSERT_EQ(0, target_arm_all(self->target));
	target_expect_calls(_metadata, self->target, "task", CALLS, CALLS);
}
