// SPDX-License-Identifier: GPL-2.0
/* Leaks of probes whose config window fails, too small for the verdict on a single failure. */
#include "lib/harness.h"

#include "lib/knobs.h"
#include "lib/slopes.h"
#include "lib/verdict.h"
#include "lib/vmbus.h"

#define POINT "config_window"

FIXTURE(leaks)
{
	int guard;
};

FIXTURE_SETUP(leaks)
{
	const char *why = vmbus_unavailable() ?: point_unavailable(POINT);

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, vmbus_start(""));
	ASSERT_EQ(0, vmbus_unbind(0));
}

/* The kernel closed the guard when the process of the test ended, which disarmed the point. */
FIXTURE_TEARDOWN_PARENT(leaks)
{
	EXPECT_EQ(0, vmbus_stop());
}

static int bind_and_unbind(void *unused)
{
	int err = knob_set(POINT, "times", "0");

	(void)unused;
	if (!err)
		err = vmbus_bind(0);
	return err ?: vmbus_unbind(0);
}

static int fail_window(void *unused)
{
	int err = knob_set(POINT, "times", "1");

	(void)unused;
	if (!err)
		err = vmbus_bind(0);
	return err == -ENXIO ? 0 : err ?: -EPROTO;
}

TEST_F_TIMEOUT(leaks, thousand_failures, 60)
{
	const struct slopes_operation op = {
		.clean = bind_and_unbind,
		.failing = fail_window,
		.rounds = 1,
		.nr_clean = 50,
		.nr_failing = 1000,
	};
	struct verdict v;
	struct slopes s;
	struct stats n;
	long warm;

	/* Arm once for all rounds: the operations set "times". */
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
	ASSERT_EQ(0, slopes_warm_up(&op, 100));
	VERDICT_BEGIN(&v, "");

	/* Measure; each failing operation fails one window. */
	ASSERT_EQ(0, stats_read(POINT, &n));
	warm = n.injected;
	ASSERT_EQ(0, slopes_measure(&op, &s));
	ASSERT_EQ(0, stats_read(POINT, &n));
	EXPECT_EQ(op.rounds * op.nr_failing, n.injected - warm);
	EXPECT_EQ(0, n.missed);
	ASSERT_EQ(0, disarm(POINT));
	verdict_failed(&v, POINT, "probe of hv_pci, its config window",
		       op.rounds * op.nr_failing);
	verdict_slopes(&v, &s);

	/* Bind with success, and unbind. */
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(0, vmbus_unbind(0));
	verdict_recovered(&v, "the same with success, and unbound");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
