// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own pci-hyperv driver on a simulated host: what it does when its
 * config window fails, or lies where the host does not want it.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "lib/harness.h"

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
#define CONFIG_WINDOW 0x2000UL
#define LOW_BAR 0x4000UL
#define HIGH_BAR 0x10000UL
#define FOUR_GiB (1UL << 32)

/* An NTSTATUS for which the driver has no special treatment. */
#define STATUS_UNSUCCESSFUL 0xc0000001UL

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
	ASSERT_EQ(0, vmbus_start(parameters));
}

FIXTURE_TEARDOWN_PARENT(probe)
{
	EXPECT_EQ(0, vmbus_stop());
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
	ASSERT_EQ(0, vmbus_start(""));
	ASSERT_EQ(0, vmbus_unbind(0));
}

FIXTURE_TEARDOWN_PARENT(config_window)
{
	EXPECT_EQ(0, vmbus_stop());
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

static bool still_binds(pid_t pid)
{
	siginfo_t info = {};

	waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return !info.si_pid;
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

/* The host is told of some things after they can be seen here. */
static long wait_for_message(const char *message, long wanted)
{
	int tries;

	for (tries = 0; tries < 50 && vmbus_seen(message) != wanted; tries++)
		usleep(100000);
	return vmbus_seen(message);
}

/* Answers that come late, or twice, are answers. */
TEST_F(config_window, late_and_repeated_answers)
{
	static const char *const messages[] = {
		"version", "relations", "d0_entry", "requirements", "assigned",
	};

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		ASSERT_EQ(0, vmbus_rule(messages[i], "delay_ms", 100));
		ASSERT_EQ(0, vmbus_rule(messages[i], "repeat", 1));
	}
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(1, vmbus_functions(0));
	EXPECT_EQ(FB_END, vmbus_config_window(0).start);
}

/* A host of before: its relations are of the first type. */
TEST_F(config_window, old_protocol)
{
	long seen = vmbus_seen("version");

	ASSERT_EQ(0, vmbus_host_version(0x10001));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(4, vmbus_seen("version") - seen);	/* 1.4, 1.3, 1.2, 1.1 */
	EXPECT_EQ(1, vmbus_functions(0));
}

/* The host is slow to refuse D0 entry, and meanwhile takes the function away. */
TEST_F(config_window, eject_in_a_failing_probe)
{
	long seen = vmbus_seen("d0_entry");
	struct vmbus_window windows[4];
	pid_t pid;

	ASSERT_EQ(0, vmbus_rule("d0_entry", "delay_ms", 1000));
	ASSERT_EQ(0, vmbus_rule("d0_entry", "status", STATUS_UNSUCCESSFUL));
	pid = bind_in_background();
	while (vmbus_seen("d0_entry") == seen)
		usleep(10000);
	EXPECT_TRUE(still_binds(pid));
	EXPECT_EQ(0, vmbus_command("eject", 0, 0));
	EXPECT_EQ(-EPROTO, wait_for_bind(pid, "hv_pci_enter_d0"));
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_functions(0));

	ASSERT_EQ(0, vmbus_rule("d0_entry", "status", 0));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(0, vmbus_command("relations", 0, 1));
	EXPECT_EQ(1, wait_for_functions(1));
}

/* The same with the whole bus. */
TEST_F(config_window, rescind_in_a_failing_probe)
{
	long seen = vmbus_seen("d0_entry");
	struct vmbus_window windows[4];
	pid_t pid;

	ASSERT_EQ(0, vmbus_rule("d0_entry", "delay_ms", 1000));
	ASSERT_EQ(0, vmbus_rule("d0_entry", "status", STATUS_UNSUCCESSFUL));
	pid = bind_in_background();
	while (vmbus_seen("d0_entry") == seen)
		usleep(10000);
	EXPECT_TRUE(still_binds(pid));
	EXPECT_EQ(0, vmbus_command("rescind", 0, -1));
	EXPECT_GT(0, wait_for_bind(pid, "hv_pci_enter_d0"));
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_functions(0));

	ASSERT_EQ(0, vmbus_rule("d0_entry", "status", 0));
	EXPECT_EQ(0, vmbus_command("offer", 0, -1));
	EXPECT_TRUE(vmbus_bound(0));
	EXPECT_EQ(1, vmbus_functions(0));
}

#define ROUNDS 20

struct binder {
	int failed;		/* probes that said ENXIO */
	int other;		/* what else was not 0, -EBUSY or -ENODEV: the other was faster */
};

static void *bind_and_unbind(void *data)
{
	struct binder *b = data;
	int i, err;

	for (i = 0; i < ROUNDS; i++) {
		err = vmbus_bind(0);
		b->failed += err == -ENXIO;
		if (err && err != -ENXIO && err != -EBUSY && err != -ENODEV)
			b->other = err;
		err = vmbus_unbind(0);
		if (err && err != -ENODEV)
			b->other = err;
	}
	return NULL;
}

/* Two who bind and unbind the same bus, and every second window fails. */
TEST_F(config_window, two_threads)
{
	struct vmbus_window windows[4];
	struct binder binders[2] = {};
	pthread_t threads[2];
	struct stats s;
	int i;

	ASSERT_EQ(0, knob_set(POINT, "interval", "2"));
	ASSERT_EQ(0, arm_times(POINT, -1));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, bind_and_unbind,
					    &binders[i]));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	ASSERT_EQ(0, stats_read(POINT, &s));
	ASSERT_EQ(0, disarm(POINT));
	EXPECT_EQ(0, binders[0].other);
	EXPECT_EQ(0, binders[1].other);
	EXPECT_EQ(s.injected, binders[0].failed + binders[1].failed);
	EXPECT_EQ(s.matched / 2, s.injected);
	EXPECT_LT(ROUNDS / 2, s.injected);

	if (vmbus_bound(0))
		EXPECT_EQ(0, vmbus_unbind(0));
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_functions(0));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(1, vmbus_functions(0));
}

/* A function's interrupt: the host is asked for it, and told when it is given back. */
TEST_F(config_window, interrupt)
{
	ASSERT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(0, vmbus_command("msi", 0, 0));
	EXPECT_LE(1, vmbus_seen("create_interrupt"));
	EXPECT_EQ(vmbus_seen("create_interrupt"), vmbus_seen("delete_interrupt"));
	EXPECT_EQ(-ENODEV, vmbus_command("msi", 0, 1));
}

TEST_F(config_window, functions_come_and_go)
{
	ASSERT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(0, vmbus_command("relations", 0, 8));
	EXPECT_EQ(8, wait_for_functions(8));
	EXPECT_EQ(0, vmbus_command("eject", 0, 3));
	EXPECT_EQ(7, wait_for_functions(7));
	EXPECT_EQ(1, wait_for_message("ejected", 1));
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

/* A window for BARs that the host's space is too small for. */
FIXTURE(bridge_window)
{
	int unused;
};

FIXTURE_VARIANT(bridge_window)
{
	const char *name;
	const char *parameters;
};

FIXTURE_VARIANT_ADD(bridge_window, low)
{
	.name = "low",
	.parameters = "low_bar=0x8000000",
};

FIXTURE_VARIANT_ADD(bridge_window, high)
{
	.name = "high",
	.parameters = "high_bar=0x8000000",
};

FIXTURE_SETUP(bridge_window)
{
	const char *why = vmbus_unavailable();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, vmbus_start(""));
	ASSERT_EQ(0, vmbus_unbind(0));
}

FIXTURE_TEARDOWN_PARENT(bridge_window)
{
	EXPECT_EQ(0, vmbus_stop());
}

TEST_F(bridge_window, failure_leaves_nothing)
{
	struct vmbus_window windows[4];
	struct verdict v;

	VERDICT_BEGIN(&v, variant->name);
	EXPECT_EQ(0, vmbus_offer_anew(variant->parameters));
	EXPECT_FALSE(vmbus_bound(0));
	EXPECT_EQ(0, vmbus_functions(0));
	EXPECT_EQ(2, vmbus_seen("d0_entry"));
	EXPECT_EQ(2, vmbus_seen("d0_exit"));
	verdict_failed(&v, "-", "probe of hv_pci, its bridge window", 1);

	ASSERT_EQ(0, vmbus_start(""));
	EXPECT_EQ(3, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_unbind(0));
	verdict_recovered(&v, "the same with success, and unbound");
	VERDICT_END(&v);
}

/* What the host refuses, and what the probe says to that. */
FIXTURE(refused)
{
	int unused;
};

FIXTURE_VARIANT(refused)
{
	const char *message;
	int err;
	int functions;		/* when it succeeds */
};

FIXTURE_VARIANT_ADD(refused, version)
{
	.message = "version",
	.err = -EPROTO,
};

FIXTURE_VARIANT_ADD(refused, d0_entry)
{
	.message = "d0_entry",
	.err = -EPROTO,
};

FIXTURE_VARIANT_ADD(refused, assigned)
{
	.message = "assigned",
	.err = -EPROTO,
};

/* The function is there, without any BAR. */
FIXTURE_VARIANT_ADD(refused, requirements)
{
	.message = "requirements",
	.functions = 1,
};

FIXTURE_SETUP(refused)
{
	const char *why = vmbus_unavailable();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, vmbus_start(""));
	ASSERT_EQ(0, vmbus_unbind(0));
}

FIXTURE_TEARDOWN_PARENT(refused)
{
	EXPECT_EQ(0, vmbus_stop());
}

TEST_F(refused, probe_says_so)
{
	struct vmbus_window windows[4];

	ASSERT_EQ(0, vmbus_rule(variant->message, "status", STATUS_UNSUCCESSFUL));
	EXPECT_EQ(variant->err, vmbus_bind(0));
	if (!variant->err) {
		EXPECT_TRUE(vmbus_bound(0));
		EXPECT_EQ(variant->functions, vmbus_functions(0));
		EXPECT_EQ(0, vmbus_unbind(0));
	}
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_functions(0));

	ASSERT_EQ(0, vmbus_rule(variant->message, "status", 0));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(3, vmbus_windows(0, windows, 4));
	EXPECT_EQ(1, vmbus_functions(0));
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
	.parameters = "",
};

FIXTURE_VARIANT_ADD(dump_kernel, low_is_framebuffer)
{
	.parameters = "low_size=0x800000",
};

/* As on Azure; the rest of them is address space without anything behind it. */
#define AZURE "fb_start=0x40000000 low_start=0x40000000 low_size=0xc0000000 high_size=0x40000000"

FIXTURE_VARIANT_ADD(dump_kernel, low_3G_high_1G)
{
	.parameters = AZURE,
};

FIXTURE_VARIANT_ADD(dump_kernel, no_high_window)
{
	.parameters = "high_size=0",
	.cured = -ENXIO,
};

FIXTURE_SETUP(dump_kernel)
{
	const char *why = unavailable();
	char parameters[128];

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	snprintf(parameters, sizeof(parameters), "fb_reserved=N %s",
		 variant->parameters);
	ASSERT_EQ(0, vmbus_start(parameters));
}

FIXTURE_TEARDOWN_PARENT(dump_kernel)
{
	EXPECT_EQ(0, vmbus_stop());
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

/*
 * All of that is the guest's own: hv_vmbus reads its windows from ACPI and looks for
 * the framebuffer where the bootloader left it, which for a dump kernel is nowhere.
 */
FIXTURE(acpi)
{
	int unused;
};

FIXTURE_SETUP(acpi)
{
	const char *why = unavailable();
	int err;

	if (why)
		SKIP(return, "%s", why);
	/* no BAR below 4 GiB: the whole low window may be taken for the framebuffer */
	err = vmbus_start("acpi=Y low_bar=0");
	if (err == -EROFS)
		SKIP(return, "this kernel's record of EFI is read-only");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN_PARENT(acpi)
{
	EXPECT_EQ(0, vmbus_stop());
}

TEST_F(acpi, dump_kernel)
{
	struct vmbus_window window;
	struct verdict v;
	int err;

	VERDICT_BEGIN(&v, "");
	EXPECT_EQ(1, vmbus_bound(0) || vmbus_seen("d0_entry") == 2);
	if (vmbus_bound(0))
		EXPECT_EQ(0, vmbus_unbind(0));
	err = vmbus_bind(0);
	EXPECT_EQ(0, verdict_errno(&v, "probe", err, 0));
	window = vmbus_config_window(0);
	EXPECT_EQ(err ? 0 : CONFIG_WINDOW, window.size);
	EXPECT_TRUE(err || window.start >= FB_END);
	VERDICT_END(&v);
}

TEST_F(acpi, min_cures)
{
	int guard = guard_open();

	ASSERT_LE(0, guard);
	if (vmbus_bound(0))
		ASSERT_EQ(0, vmbus_unbind(0));
	ASSERT_EQ(0, knob_set(POINT, "min", "%#lx", FOUR_GiB));
	ASSERT_EQ(0, arm_times(POINT, -1));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(HIGH_START, vmbus_config_window(0).start);
}

TEST_HARNESS_MAIN
