// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own pci-hyperv driver on a simulated host: its probe when the config window fails
 * or overlaps the framebuffer. config_window_host.h has the tests of what the host does.
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

/* The defaults of vmbus_sim.ko. */
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

/* Returns a reason to skip, or NULL. */
static const char *config_window_unavailable(void)
{
	return vmbus_unavailable() ?: point_unavailable(POINT);
}

/* Binding creates the windows and the functions; unbinding removes them. */
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

	/* The offer in the setup bound the driver. */
	ASSERT_TRUE(vmbus_bound(0));
	EXPECT_EQ(FB_END, vmbus_config_window(0).start);

	/* With functions, check two more windows, for low and for high BARs. */
	EXPECT_EQ(variant->functions ? 3 : 1, vmbus_windows(0, windows, 4));
	EXPECT_EQ(variant->functions, vmbus_functions(0));
	for (slot = 0; slot < variant->functions; slot++) {
		EXPECT_EQ(LOW_BAR, vmbus_bar(0, slot, 0));
		EXPECT_EQ(HIGH_BAR, vmbus_bar(0, slot, 2));
	}
	EXPECT_EQ(1, vmbus_seen("d0_entry"));
	EXPECT_EQ(variant->functions, vmbus_seen("assigned"));

	/* Unbind: no window and no function is left. */
	EXPECT_EQ(0, vmbus_unbind(0));
	EXPECT_EQ(1, vmbus_seen("d0_exit"));
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_functions(0));

	/* Bind again: both are back. */
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(FB_END, vmbus_config_window(0).start);
	EXPECT_EQ(variant->functions, vmbus_functions(0));
}

/* One bus, with its framebuffer reserved and its driver not bound. */
FIXTURE(config_window)
{
	int guard;
};

FIXTURE_SETUP(config_window)
{
	const char *why = config_window_unavailable();

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

	/* Warm up: bind, and arm the point once. */
	ASSERT_EQ(0, vmbus_bind(0));
	ASSERT_EQ(0, vmbus_unbind(0));
	ASSERT_EQ(0, arm_nth(POINT, 1));
	ASSERT_EQ(0, disarm(POINT));
	VERDICT_BEGIN(&v, "");

	/* Fail the config window: the probe fails and leaves no window. */
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

	/* Bind with success, and unbind. */
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(FB_END, vmbus_config_window(0).start);
	EXPECT_EQ(1, vmbus_functions(0));
	EXPECT_EQ(0, vmbus_unbind(0));
	verdict_recovered(&v, "the same with success, and unbound");
	VERDICT_END(&v);
}

/* The windows for BARs are allocated by the same function, but do not match. */
TEST_F(config_window, no_other_window_fails)
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

#include "config_window_host.h"

#define ROUNDS 20

struct binder {
	int failed;		/* number of probes that returned -ENXIO */
	int other;		/* unexpected error; -EBUSY, -ENODEV: the other thread was first */
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

/* Two threads bind and unbind the same bus, and every second window fails. */
TEST_F(config_window, two_threads)
{
	struct vmbus_window windows[4];
	struct binder binders[2] = {};
	pthread_t threads[2];
	struct stats s;
	int i;

	/* Fail every second window while two threads bind and unbind. */
	ASSERT_EQ(0, knob_set(POINT, "interval", "2"));
	ASSERT_EQ(0, arm_times(POINT, -1));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, bind_and_unbind,
					    &binders[i]));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	ASSERT_EQ(0, stats_read(POINT, &s));
	ASSERT_EQ(0, disarm(POINT));

	/* Each failed window was one failed probe. */
	EXPECT_EQ(0, binders[0].other);
	EXPECT_EQ(0, binders[1].other);
	EXPECT_EQ(s.injected, binders[0].failed + binders[1].failed);
	EXPECT_EQ(s.matched / 2, s.injected);
	EXPECT_LT(ROUNDS / 2, s.injected);

	/* Unbind: no window and no function is left, and the bus can be bound. */
	if (vmbus_bound(0))
		EXPECT_EQ(0, vmbus_unbind(0));
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_functions(0));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(1, vmbus_functions(0));
}

/* Of two buses, only the one that the knob "device" names fails. */
TEST_F(config_window, one_device)
{
	struct stats s;

	/* Offer a second bus, and select it. */
	ASSERT_EQ(0, vmbus_command("offer", 1, -1));
	ASSERT_EQ(0, vmbus_unbind(1));
	ASSERT_EQ(0, knob_set(POINT, "device", "%s", vmbus_device(1)));
	ASSERT_EQ(0, arm_times(POINT, -1));
	EXPECT_EQ(-EBUSY, knob_set(POINT, "device", "other"));

	/* Bind both: only the second one fails. */
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(-ENXIO, vmbus_bind(1));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.matched);
	EXPECT_EQ(1, s.injected);
	ASSERT_EQ(0, disarm(POINT));
	EXPECT_EQ(0, vmbus_bind(1));
}

/* A window for BARs fails because the MMIO window of the host is too small for it. */
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

	/* Offer the bus with BARs that are too large: the probe fails after D0 entry. */
	EXPECT_EQ(0, vmbus_offer_anew(variant->parameters));
	EXPECT_FALSE(vmbus_bound(0));
	EXPECT_EQ(0, vmbus_functions(0));
	EXPECT_EQ(2, vmbus_seen("d0_entry"));
	EXPECT_EQ(2, vmbus_seen("d0_exit"));
	verdict_failed(&v, "-", "probe of hv_pci, its bridge window", 1);

	/* Offer the bus with BARs that fit, and unbind. */
	ASSERT_EQ(0, vmbus_start(""));
	EXPECT_EQ(3, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_unbind(0));
	verdict_recovered(&v, "the same with success, and unbound");
	VERDICT_END(&v);
}

/*
 * A dump kernel does not know of the framebuffer. Its config window overlaps the framebuffer,
 * the host refuses D0 entry, and the probe fails as on Azure. With a minimum address of 4 GiB, as
 * a proposed change has it, the window cannot overlap.
 */
FIXTURE(dump_kernel)
{
	int guard;
};

FIXTURE_VARIANT(dump_kernel)
{
	const char *parameters;
	int cured;		/* result of the probe with the minimum address */
};

FIXTURE_VARIANT_ADD(dump_kernel, both_windows)
{
	.parameters = "",
};

FIXTURE_VARIANT_ADD(dump_kernel, low_is_framebuffer)
{
	.parameters = "low_size=0x800000",
};

/* Windows as on Azure. Only their first 64 MiB have RAM behind them. */
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
	const char *why = config_window_unavailable();
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

	/* The probe fails: the host refuses D0 entry, and the driver retries once. */
	EXPECT_FALSE(vmbus_bound(0));
	seen = vmbus_seen("d0_entry");
	EXPECT_EQ(-EPROTO, vmbus_bind(0));
	EXPECT_EQ(2, vmbus_seen("d0_entry") - seen);
	EXPECT_EQ(0, vmbus_config_window(0).size);

	/* Raise the minimum address: the probe succeeds if there is a high window. */
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

	/* Without the minimum the probe fails again. */
	ASSERT_EQ(0, knob_set(POINT, "min", "0"));
	EXPECT_EQ(-EPROTO, vmbus_bind(0));
}

/*
 * The same with the windows that hv_vmbus finds by itself: it reads them from ACPI, and looks for
 * the framebuffer at lfb_base, which is 0 in a dump kernel.
 */
FIXTURE(acpi)
{
	int unused;
};

FIXTURE_SETUP(acpi)
{
	const char *why = config_window_unavailable();
	int err;

	if (why)
		SKIP(return, "%s", why);
	/* No BAR below 4 GiB: the kernel may reserve the whole low window as framebuffer. */
	err = vmbus_start("acpi=Y low_bar=0");
	if (err == -EROFS)
		SKIP(return, "the EFI flags of this kernel are read-only");
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

	/* The offer in the setup bound the driver, or the host refused D0 entry twice. */
	VERDICT_BEGIN(&v, "");
	EXPECT_EQ(1, vmbus_bound(0) || vmbus_seen("d0_entry") == 2);
	if (vmbus_bound(0))
		EXPECT_EQ(0, vmbus_unbind(0));

	/* Bind: a fixed kernel places the window outside the framebuffer. */
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

	/* Raise the minimum address: every kernel uses the high window. */
	ASSERT_EQ(0, knob_set(POINT, "min", "%#lx", FOUR_GiB));
	ASSERT_EQ(0, arm_times(POINT, -1));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(HIGH_START, vmbus_config_window(0).start);
}

TEST_HARNESS_MAIN
