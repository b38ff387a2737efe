// SPDX-License-Identifier: GPL-2.0
/* Interception of a function that only a kprobe can intercept. */
#include "lib/knobs.h"
#include "lib/module.h"

#include "interception/target.h"

FIXTURE(by_kprobe)
{
	const struct target *target;
	int guard;
};

FIXTURE_SETUP(by_kprobe)
{
	self->target = &target_notrace;
	self->guard = target_open_guard(self->target);
	ASSERT_LE(0, self->guard);
}

FIXTURE_TEARDOWN_PARENT(by_kprobe)
{
	EXPECT_EQ(0, target_clean_up());
}

TEST_F(by_kprobe, calls_from_handlers_are_counted_as_missed)
{
	struct stats s;

	/* Call the function from the handler of another kprobe, too. */
	ASSERT_EQ(0, module_load("errpath_rival", ""));
	ASSERT_EQ(0, target_arm_all(self->target));
	ASSERT_EQ(0, rival_set("nesting", "errpath_target_caller"));
	target_expect_calls(_metadata, self->target, "task", CALLS, CALLS);
	ASSERT_EQ(0, stats_read(self->target->point, &s));
	EXPECT_EQ(CALLS, s.missed);

	/* The count must stay when the point is disarmed. */
	ASSERT_EQ(0, rival_set("none", ""));
	ASSERT_EQ(0, disarm(self->target->point));
	ASSERT_EQ(0, stats_read(self->target->point, &s));
	EXPECT_EQ(CALLS, s.missed);
}
