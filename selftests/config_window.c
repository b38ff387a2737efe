// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own pci-hyperv driver on a simulated host: what it does when its
 * config window fails, or lies where the host does not want it.
 */
#include <signal.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "lib/file.h"
#include "lib/iomem.h"
#include "lib/knobs.h"
#include "lib/verdict.h"
#include "lib/vmbus.h"

#define POINT "config_window"

/* As vmbus_sim.ko has them when it is not told otherwise. */
#define LOW_START 0x50000000UL
#define FB_START LOW_START
#define FB_END (FB_START + 8 * MiB)
#define HIGH_START 0x120000000UL
#define LOW_BAR 0x4000UL
#define HIGH_BAR 0x10000UL
#define FOUR_GiB (1UL << 32)

static const char *unavailable(void)
{
	return vmbus_unavailable() ?: point_unavailable(POINT);
}

/* What a host offers is bound, and leaves nothing when its driver goes. */
FIXTURE(probe)
{
	int unused;
};

FIXTURE_VARIANT(probe)
{
	int functions;
};

FIXTURE_VARIANT_ADD(probe, functions_0)
{
	.functions = 0,
};

FIXTURE_VARIANT_ADD(probe, functions_1)
{
	.functions = 1,
};

FIXTURE_VARIANT_ADD(probe, functions_8)
{
	.functions = 8,
};

FIXTURE_SETUP(probe)
{
	const char *why = vmbus_unavailable();
	char parameters[64];

	if (why)
		SKIP(return, "%s", why);
	snprintf(parameters, sizeof(parameters), "devices=%d",
		 variant->functions);
	ASSERT_EQ(0, vmbus_load(parameters));
}

FIXTURE_TEARDOWN_PARENT(probe)
{
	EXPECT_EQ(0, vmbus_unload());
}

TEST_F(probe, window_and_functions)
{
	struct vmbus_window windows[4];
	int slot;

	ASSERT_TRUE(vmbus_bound(0));
	EXPECT_EQ(FB_END, vmbus_config_window(0).start);
	/* and with functions a window for the BARs of each kind */
	EXPECT_EQ(variant->functions ? 3 : 1, vmbus_windows(0, windows, 4));
	EXPECT_EQ(variant->functions, vmbus_functions(0));
	for (slot = 0; slot < variant->functions; slot++) {
		EXPECT_EQ(LOW_BAR, vmbus_bar(0, slot, 0));
		EXPECT_EQ(HIGH_BAR, vmbus_bar(0, slot, 2));
	}
	EXPECT_EQ(1, vmbus_seen("d0_entry"));
	EXPECT_EQ(variant->functions, vmbus_seen("assigned"));

	EXPECT_EQ(0, vmbus_unbind(0));
	EXPECT_EQ(1, vmbus_seen("d0_exit"));
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_functions(0));

	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(FB_END, vmbus_config_window(0).start);
	EXPECT_EQ(variant->functions, vmbus_functions(0));
}

/* One bus, its framebuffer reserved, its driver not bound, as the tests begin. */
FIXTURE(config_window)
{
	int guard;
};

FIXTURE_SETUP(config_window)
{
	const char *why = unavailable();

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, vmbus_load(""));
	ASSERT_EQ(0, vmbus_unbind(0));
}

FIXTURE_TEARDOWN_PARENT(config_window)
{
	EXPECT_EQ(0, vmbus_unload());
}

TEST_F(config_window, failure_leaves_nothing)
{
	struct vmbus_window windows[4];
	struct verdict v;
	struct stats s;

	ASSERT_EQ(0, vmbus_bind(0));
	ASSERT_EQ(0, vmbus_unbind(0));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	VERDICT_BEGIN(&v, "");

	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(-ENXIO, vmbus_bind(0));
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.seen);
	EXPECT_EQ(1, s.matched);
	EXPECT_EQ(1, s.injected);
	EXPECT_EQ(0, s.missed);
	EXPECT_FALSE(vmbus_bound(0));
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	verdict_failed(&v, POINT, "probe of hv_pci, its config window", 1);

	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(FB_END, vmbus_config_window(0).start);
	EXPECT_EQ(1, vmbus_functions(0));
	EXPECT_EQ(0, vmbus_unbind(0));
	verdict_recovered(&v, "the same with success, and unbound");
	VERDICT_END(&v);
}

/* The windows for BARs come from the same function and are not meant. */
TEST_F(config_window, no_other_window_is_meant)
{
	struct vmbus_window windows[4];
	struct stats s;

	ASSERT_EQ(0, arm_nth(POINT, 2));
	EXPECT_EQ(0, vmbus_bind(0));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(3, s.seen);
	EXPECT_EQ(1, s.matched);
	EXPECT_EQ(0, s.injected);
	EXPECT_EQ(3, vmbus_windows(0, windows, 4));
}

TEST_F(config_window, errno_is_the_probes)
{
	ASSERT_EQ(0, knob_set(POINT, "errno", "-12"));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	EXPECT_EQ(-ENOMEM, vmbus_bind(0));
	EXPECT_EQ(0, vmbus_bind(0));
}

/* A probe in a child of its own, for it may wait for ever. */
static pid_t bind_in_background(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(-vmbus_bind(0));
	return pid;
}

/* Its -errno, or -EINPROGRESS if after some seconds it still waits in @function. */
static int wait_for_bind(pid_t pid, const char *function)
{
	char path[64], stack[4096];
	int status, tries;

	for (tries = 0; tries < 30; tries++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
		usleep(100000);
	}
	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	if (file_read(path, stack, sizeof(stack)) < 0 || !strstr(stack, function))
		return -EBUSY;
	return -EINPROGRESS;
}

#define WAITS_IN "hv_pci_query_relations"

/* The host's answer is lost; when it comes after all, the probe goes on. */
TEST_F(config_window, relations_lost)
{
	struct verdict v;
	pid_t pid;
	int err;

	VERDICT_BEGIN(&v, "");
	ASSERT_EQ(0, vmbus_rule("relations", "drop", 1));
	pid = bind_in_background();
	err = wait_for_bind(pid, WAITS_IN);
	EXPECT_EQ(-ETIMEDOUT, verdict_errno(&v, "unanswered", err, -ETIMEDOUT));

	EXPECT_EQ(0, vmbus_command("relations", 0, 1));
	EXPECT_EQ(0, wait_for_bind(pid, WAITS_IN));
	EXPECT_TRUE(vmbus_bound(0));
	EXPECT_EQ(1, vmbus_functions(0));
	VERDICT_END(&v);
}

/* The host takes the bus away under a probe that waits, and offers it anew. */
TEST_F(config_window, rescind_ends_the_wait)
{
	pid_t pid;

	ASSERT_EQ(0, vmbus_rule("relations", "drop", 1));
	pid = bind_in_background();
	EXPECT_EQ(-EINPROGRESS, wait_for_bind(pid, WAITS_IN));

	EXPECT_EQ(0, vmbus_command("rescind", 0, -1));
	EXPECT_EQ(-ENODEV, wait_for_bind(pid, WAITS_IN));
	EXPECT_EQ(0, vmbus_config_window(0).size);

	EXPECT_EQ(0, vmbus_command("offer", 0, -1));
	EXPECT_TRUE(vmbus_bound(0));
	EXPECT_EQ(FB_END, vmbus_config_window(0).start);
}

static int wait_for_functions(int wanted)
{
	int tries, found = -1;

	for (tries = 0; tries < 50 && found != wanted; tries++) {
		usleep(100000);
		found = vmbus_functions(0);
	}
	return found;
}

TEST_F(config_window, functions_come_and_go)
{
	ASSERT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(0, vmbus_command("relations", 0, 8));
	EXPECT_EQ(8, wait_for_functions(8));
	EXPECT_EQ(0, vmbus_command("eject", 0, 3));
	EXPECT_EQ(7, wait_for_functions(7));
	EXPECT_EQ(1, vmbus_seen("ejected"));
	EXPECT_EQ(-ENODEV, vmbus_command("eject", 0, 3));
	EXPECT_EQ(0, vmbus_unbind(0));
	EXPECT_EQ(0, vmbus_functions(0));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(7, vmbus_functions(0));
}

/* Of two buses only the one that the knob device names. */
TEST_F(config_window, one_device)
{
	struct stats s;

	ASSERT_EQ(0, vmbus_command("offer", 1, -1));
	ASSERT_EQ(0, vmbus_unbind(1));
	ASSERT_EQ(0, knob_set(POINT, "device", "%s", vmbus_device(1)));
	ASSERT_EQ(0, arm_times(POINT, -1));
	EXPECT_EQ(-EBUSY, knob_set(POINT, "device", "other"));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(-ENXIO, vmbus_bind(1));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.matched);
	EXPECT_EQ(1, s.injected);
	ASSERT_EQ(0, disarm(POINT));
	EXPECT_EQ(0, vmbus_bind(1));
}

/*
 * A dump kernel: nobody told it of the framebuffer. The window lies on that, the
 * host refuses D0 entry, and the probe says what it says on Azure. With a minimum
 * of 4 GiB, as the proposed change has it, it never comes near.
 */
FIXTURE(dump_kernel)
{
	int guard;
};

FIXTURE_VARIANT(dump_kernel)
{
	const char *parameters;
	int cured;		/* what the probe returns with the minimum */
};

FIXTURE_VARIANT_ADD(dump_kernel, both_windows)
{
	.parameters = "fb_reserved=N",
};

FIXTURE_VARIANT_ADD(dump_kernel, low_is_framebuffer)
{
	.parameters = "fb_reserved=N low_size=0x800000",
};

FIXTURE_VARIANT_ADD(dump_kernel, no_high_window)
{
	.parameters = "fb_reserved=N high_size=0",
	.cured = -ENXIO,
};

FIXTURE_SETUP(dump_kernel)
{
	const char *why = unavailable();

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, vmbus_load(variant->parameters));
}

FIXTURE_TEARDOWN_PARENT(dump_kernel)
{
	EXPECT_EQ(0, vmbus_unload());
}

TEST_F(dump_kernel, min_cures)
{
	struct vmbus_window window;
	struct stats s;
	long seen;

	EXPECT_FALSE(vmbus_bound(0));
	seen = vmbus_seen("d0_entry");
	EXPECT_EQ(-EPROTO, vmbus_bind(0));
	EXPECT_EQ(2, vmbus_seen("d0_entry") - seen);	/* "Retrying D0 Entry" */
	EXPECT_EQ(0, vmbus_config_window(0).size);

	ASSERT_EQ(0, knob_set(POINT, "min", "%#lx", FOUR_GiB));
	ASSERT_EQ(0, arm_times(POINT, -1));
	EXPECT_EQ(variant->cured, vmbus_bind(0));
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.injected);
	window = vmbus_config_window(0);
	if (!variant->cured) {
		EXPECT_EQ(HIGH_START, window.start);
		EXPECT_EQ(0, vmbus_unbind(0));
	} else {
		EXPECT_EQ(0, window.size);
	}

	ASSERT_EQ(0, knob_set(POINT, "min", "0"));
	EXPECT_EQ(-EPROTO, vmbus_bind(0));
}

TEST_HARNESS_MAIN
