// SPDX-License-Identifier: GPL-2.0
/* vmbus_sim.ko: refuses to load on Hyper-V, refuses wrong input, and leaves nothing at unload. */
#include "lib/harness.h"

#include "lib/file.h"
#include "lib/module.h"
#include "lib/verdict.h"
#include "lib/vmbus.h"

#define RIVAL "/sys/kernel/debug/errpath_rival/set"

static int unload_all(void)
{
	int err = vmbus_unload();

	if (!err && module_loaded("errpath_rival"))
		err = module_unload("errpath_rival");
	return err;
}

FIXTURE(vmbus_sim)
{
	int unused;
};

FIXTURE_SETUP(vmbus_sim)
{
	const char *why = vmbus_unavailable();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, vmbus_unload());
}

FIXTURE_TEARDOWN_PARENT(vmbus_sim)
{
	EXPECT_EQ(0, unload_all());
}

TEST_F(vmbus_sim, not_on_hyperv)
{
	ASSERT_EQ(0, module_load("errpath_rival", ""));
	ASSERT_EQ(0, file_write(RIVAL, "hypervisor hyperv"));
	EXPECT_EQ(-EBUSY, module_load("vmbus_sim", ""));
	ASSERT_EQ(0, file_write(RIVAL, "none"));
	EXPECT_EQ(0, module_load("vmbus_sim", ""));
}

TEST_F(vmbus_sim, wrong_parameters)
{
	static const char *const wrong[] = {
		"devices=9", "devices=-1", "low_bar=1", "high_bar=0x3000",
		"buses=5", "fb_reserved=perhaps",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, module_load("vmbus_sim", wrong[i]))
			TH_LOG("%s", wrong[i]);
	}
	EXPECT_FALSE(module_loaded("vmbus_sim"));
}

TEST_F(vmbus_sim, wrong_commands)
{
	ASSERT_EQ(0, vmbus_start(""));
	EXPECT_EQ(-EEXIST, vmbus_command("offer", 0, -1));
	EXPECT_EQ(-EINVAL, vmbus_command("offer", 4, -1));
	EXPECT_EQ(-EINVAL, vmbus_command("offer", 0, 1));
	EXPECT_EQ(-ENODEV, vmbus_command("rescind", 1, -1));
	EXPECT_EQ(-EINVAL, vmbus_command("rescind", 4, -1));
	EXPECT_EQ(-EINVAL, vmbus_command("relations", 0, 9));
	EXPECT_EQ(-EINVAL, vmbus_command("relations", 0, -1));
	EXPECT_EQ(-ENODEV, vmbus_command("eject", 0, 1));
	EXPECT_EQ(-ENODEV, vmbus_command("msi", 1, 0));
	EXPECT_TRUE(vmbus_bound(0));
}

/* Config space keeps the bits that PCI lets a driver write. */
TEST_F(vmbus_sim, config_space)
{
	ASSERT_EQ(0, vmbus_start(""));
	/* Write to the vendor ID, which is read-only. */
	EXPECT_EQ(0x1414, vmbus_config_read(0, 0, 0, 2));
	EXPECT_EQ(0, vmbus_config_write(0, 0, 0, 2, 0xffff));
	EXPECT_EQ(0x1414, vmbus_config_read(0, 0, 0, 2));

	/* Size the low BAR of 16 KiB, in 32 bits: the lowest 14 bits are read-only. */
	EXPECT_EQ(0, vmbus_config_write(0, 0, 0x10, 4, 0xffffffff));
	EXPECT_EQ(0xffffc000, vmbus_config_read(0, 0, 0x10, 4));

	/* Size the high BAR of 64 KiB, in 64 bits: the lowest 16 bits are read-only. */
	EXPECT_EQ(0, vmbus_config_write(0, 0, 0x18, 4, 0xffffffff));
	EXPECT_EQ(0, vmbus_config_write(0, 0, 0x1c, 4, 0xffffffff));
	EXPECT_EQ(0xffff0004, vmbus_config_read(0, 0, 0x18, 4));
	EXPECT_EQ(0xffffffff, vmbus_config_read(0, 0, 0x1c, 4));

	/* Write to the cache line size, of one byte. */
	EXPECT_EQ(0, vmbus_config_write(0, 0, 0x0c, 1, 0x5a));
	EXPECT_EQ(0x5a, vmbus_config_read(0, 0, 0x0c, 1));
}

/* ERRPATH_LOADS: number of loads, default 3. On RT a load and unload takes 9 s. */
TEST_F_TIMEOUT(vmbus_sim, again_and_again, 1500)
{
	const char *loads = getenv("ERRPATH_LOADS");
	struct verdict v;
	int i, n = atoi(loads ?: "3");

	/* Warm up: load and unload twice. */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, vmbus_start("devices=2"));
		ASSERT_EQ(0, vmbus_unload());
	}

	/* Load and unload: all counters must return. */
	VERDICT_BEGIN(&v, "");
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, vmbus_start("devices=2"));
		ASSERT_TRUE(vmbus_bound(0));
		ASSERT_EQ(0, vmbus_unload());
	}
	verdict_recovered(&v, "vmbus_sim.ko and the driver loaded and unloaded");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
