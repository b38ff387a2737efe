// SPDX-License-Identifier: GPL-2.0
/* What a failed probe of pci-hyperv loses that is too little to see in one failure. */
#include "kselftest_harness.h"

#include "lib/knobs.h"
#include "lib/slopes.h"
#include "lib/verdict.h"
#include "lib/vmbus.h"

#define POINT "config_window"

/* An NTSTATUS for which the driver has no special treatment. */
#define STATUS_UNSUCCESSFUL 0xc0000001UL

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

/* The guard went with the process of the test, whatever ended that. */
FIXTURE_TEARDOWN_PARENT(leaks)
{
	EXPECT_EQ(0, vmbus_stop());
}

static int bind_and_unbind(void *unused)
{
	int err = knob_set(POINT, "times", "0");

	(void)unused;
	err = err ?: vmbus_bind(0);
	return err ?: vmbus_unbind(0);
}

static int fail_window(void *unused)
{
	int err = knob_set(POINT, "times", "1");

	(void)unused;
	err = err ?: vmbus_bind(0);
	return err == -ENXIO ? 0 : err ?: -EPROTO;
}

/* What the kernel allocates again after its caches were shrunk is no leak. */
static int prepare(const struct slopes_operation *op)
{
	int i, err = slopes_prepare();

	for (i = 0; i < 100 && !err; i++)
		err = op->clean(NULL) ?: op->failing(NULL);
	return err;
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

	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
	ASSERT_EQ(0, prepare(&op));
	VERDICT_BEGIN(&v, "");

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

	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(0, vmbus_unbind(0));
	verdict_recovered(&v, "the same with success, and unbound");
	VERDICT_END(&v);
}

static int bind_refused(void *unused)
{
	int err = vmbus_rule("d0_entry", "status", STATUS_UNSUCCESSFUL);

	(void)unused;
	err = err ?: vmbus_bind(0);
	return err == -EPROTO ? 0 : err ?: -EINVAL;
}

static int bind_accepted(void *unused)
{
	int err = vmbus_rule("d0_entry", "status", 0);

	(void)unused;
	err = err ?: vmbus_bind(0);
	return err ?: vmbus_unbind(0);
}

/* The probe fails after the host has told what is on the bus. */
TEST_F_TIMEOUT(leaks, d0_refused, 60)
{
	const struct slopes_operation op = {
		.clean = bind_accepted,
		.failing = bind_refused,
		.rounds = 1,
		.nr_clean = 200,
		.nr_failing = 1000,
	};
	struct verdict v;
	struct slopes s;

	ASSERT_EQ(0, prepare(&op));
	VERDICT_BEGIN(&v, "");

	ASSERT_EQ(0, slopes_measure(&op, &s));
	verdict_failed(&v, POINT, "probe of hv_pci, D0 entry refused",
		       op.rounds * op.nr_failing);
	verdict_slopes(&v, &s);

	EXPECT_EQ(0, bind_accepted(NULL));
	verdict_recovered(&v, "the same with success, and unbound");
	VERDICT_END(&v);
}

static int offer_and_rescind(void *unused)
{
	(void)unused;
	return vmbus_command("offer", 0, -1) ?: vmbus_command("rescind", 0, -1);
}

static int unbind_before_it_goes(void *unused)
{
	int err = vmbus_command("offer", 0, -1);

	(void)unused;
	err = err ?: vmbus_unbind(0);
	return err ?: vmbus_command("rescind", 0, -1);
}

/* The host takes the bus away while the driver is bound to it. */
TEST_F_TIMEOUT(leaks, rescinded, 60)
{
	const struct slopes_operation op = {
		.clean = unbind_before_it_goes,
		.failing = offer_and_rescind,
		.rounds = 1,
		.nr_clean = 200,
		.nr_failing = 500,
	};
	struct verdict v;
	struct slopes s;

	ASSERT_EQ(0, vmbus_command("rescind", 0, -1));
	ASSERT_EQ(0, prepare(&op));
	VERDICT_BEGIN(&v, "");

	ASSERT_EQ(0, slopes_measure(&op, &s));
	verdict_failed(&v, "-", "a bus with its driver rescinded",
		       op.rounds * op.nr_failing);
	verdict_slopes(&v, &s);

	EXPECT_EQ(0, unbind_before_it_goes(NULL));
	verdict_recovered(&v, "the same, unbound before");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
