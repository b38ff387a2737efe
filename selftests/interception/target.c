// SPDX-License-Identifier: GPL-2.0
/* The functions that the tests of intercept fail, and the module with rival hooks. */
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/target.h"

#include "interception/target.h"

#define RIVAL "/sys/kernel/debug/errpath_rival"

const struct target target_traced = {
	.point = "target",
	.function = "errpath_target",
	.which = "traced",
	.traceable = true,
};

const struct target target_notrace = {
	.point = "target_notrace",
	.function = "errpath_target_notrace",
	.which = "notrace",
};

int target_open_guard(const struct target *t)
{
	int guard = guard_open();

	return guard < 0 ? guard : knob_set(t->point, "verbose", "0") ?: guard;
}

int target_clean_up(void)
{
	int err = 0;

	file_write(RIVAL "/set", "none");
	file_write(TRACING "/current_tracer", "nop");
	file_write(TRACING "/set_ftrace_filter", "");
	file_write(FTRACE_ENABLED, "1");
	if (module_loaded("errpath_rival"))
		err = module_unload("errpath_rival");
	if (!err && !module_loaded("errpath_target"))
		err = module_load("errpath_target", "");
	if (!err && !module_loaded("errpath"))
		err = module_load("errpath", "");
	return err;
}

int target_arm_all(const struct target *t)
{
	int err = knob_set(t->point, "task-filter", "N");

	if (!err)
		err = knob_set(t->point, "times", "-1");
	return err ?: knob_set(t->point, "probability", "100");
}

void target_expect_calls(struct __test_metadata *_metadata, const struct target *t,
			 const char *context, unsigned long seen, unsigned long injected)
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

int target_make_calls(const struct target *t)
{
	struct target_calls calls;

	return target_call(CALLS, t->which, "task", &calls);
}

int rival_set(const char *kind, const char *function)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %s", kind, function);
	return file_write(RIVAL "/set", text);
}

long rival_hits(void)
{
	char text[64];

	if (file_read(RIVAL "/hits", text, sizeof(text)) < 0)
		return -1;
	return atol(text);
}
