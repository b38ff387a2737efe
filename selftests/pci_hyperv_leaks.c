// SPDX-License-Identifier: GPL-2.0
/* Leaks of pci-hyperv caused by the host, too small for the verdict on a single failure. */
#include "lib/harness.h"

#include "lib/slopes.h"
#include "lib/verdict.h"
#include "lib/vmbus.h"

/* An NTSTATUS for which the driver has no special treatment. */
#define STATUS_UNSUCCESSFUL 0xc0000001UL

FIXTURE(leaks)
{
};

FIXTURE_SETUP(leaks)
{
	const char *why = vmbus_unavailable();

	(void)self;
	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, vmbus_start(""));
	ASSERT_EQ(0, vmbus_unbind(0));
}

FIXTURE_TEARDOWN_PARENT(leaks)
{
	EXPECT_EQ(0, vmbus_stop());
}

static int bind_refused(void *unused)
{
	int err = vmbus_rule("d0_entry", "status", STATUS_UNSUCCESSFUL);

	(void)unused;
	if (!err)
		err = vmbus_bind(0);
	return err == -EPROTO ? 0 : err ?: -EINVAL;
}

static int bind_accepted(void *unused)
{
	int err = vmbus_rule("d0_entry", "status", 0);

	(void)unused;
	if (!err)
		err = vmbus_bind(0);
	return err ?: vmbus_unbind(0);
}

/* The probe fails after the host reported the functions on the bus. */
TEST_F_TIMEOUT(leaks, d0_refused, 60)
{
	const struct slopes_operation op = {
		.clean = bind_accepted,
		.failing = bind_refused,
		.rounds = 1,
		.nr_clean = 200,
		.nr_failing = 500,
	};
	struct verdict v;
	struct slopes s;

	ASSERT_EQ(0, slopes_warm_up(&op, 100));
	VERDICT_BEGIN(&v, "");

	ASSERT_EQ(0, slopes_measure(&op, &s));
	verdict_failed(&v, "-", "probe of hv_pci, D0 entry refused",
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

static int offer_unbind_and_rescind(void *unused)
{
	int err = vmbus_command("offer", 0, -1);

	(void)unused;
	if (!err)
		err = vmbus_unbind(0);
	return err ?: vmbus_command("rescind", 0, -1);
}

/* The host rescinds the bus while the driver is bound to it. */
TEST_F_TIMEOUT(leaks, rescinded, 60)
{
	const struct slopes_operation op = {
		.clean = offer_unbind_and_rescind,
		.failing = offer_and_rescind,
		.rounds = 1,
		.nr_clean = 200,
		.nr_failing = 500,
	};
	struct verdict v;
	struct slopes s;

	ASSERT_EQ(0, vmbus_command("rescind", 0, -1));
	ASSERT_EQ(0, slopes_warm_up(&op, 100));
	VERDICT_BEGIN(&v, "");

	ASSERT_EQ(0, slopes_measure(&op, &s));
	verdict_failed(&v, "-", "a bus with its driver rescinded",
		       op.rounds * op.nr_failing);
	verdict_slopes(&v, &s);

	EXPECT_EQ(0, offer_unbind_and_rescind(NULL));
	verdict_recovered(&v, "the same, unbound before");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
