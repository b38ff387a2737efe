// SPDX-License-Identifier: GPL-2.0
/* Loading and unloading of errpath.ko, and its parameter arm. */
#include <fcntl.h>
#include <signal.h>

#include "lib/harness_parts.h"

#include "lib/knobs.h"
#include "lib/module.h"

#include "knob/calls.h"
#include "knob/values.h"

/* Starts without errpath.ko and ends with it. */
FIXTURE(loading)
{
	int unused;
};

FIXTURE_SETUP(loading)
{
	ASSERT_EQ(0, module_unload("errpath"));
}

FIXTURE_TEARDOWN_PARENT(loading)
{
	if (!module_loaded("errpath"))
		EXPECT_EQ(0, module_load("errpath", ""));
}

TEST_F(loading, arms_by_parameter)
{
	const char *all = "task-filter=N";
	char arm[256];

	snprintf(arm, sizeof(arm),
		 "arm=target:%s,times=2,probability=100;target_notrace:%s,nth=3",
		 all, all);
	/* Load the module with both points armed. */
	ASSERT_EQ(0, module_load("errpath", arm));
	EXPECT_STREQ("armed", point_state("target"));

	/* Two calls of one function fail, and the third of the other. */
	EXPECT_EQ(2, calls_failed("traced", 10));
	EXPECT_EQ(0, calls_failed("notrace", 2));
	EXPECT_EQ(1, calls_failed("notrace", 1));
	EXPECT_TRUE(knob_shows("target", "times", "0"));

	/* Unloading must remove the interception. */
	ASSERT_EQ(0, module_unload("errpath"));
	EXPECT_FALSE(function_is_intercepted("errpath_target"));
}

TEST_F(loading, refuses_wrong_parameter)
{
	static const char * const wrong[] = {
		"arm=nowhere:times=1",
		"arm=target",
		"arm=target:times",
		"arm=target:times=-2",
		"arm=target:colour=red",
		"arm=target:stats=1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, module_load("errpath", wrong[i]))
			TH_LOG("%s", wrong[i]);
	}
}

/*
 * When a load fails, the kernel frees the module even if a task has one of its files open.
 * Therefore no task may be able to open a file before the load has succeeded.
 */
TEST_F(loading, failing_load_has_no_open_files)
{
	const char *slow_and_wrong = "arm=alloc:caller=_printk,times=0,probability=100,bogus=1";
	pid_t opener = fork();
	int status;

	/* Try to open a file all the time. */
	if (!opener) {
		for (;;) {
			if (open(ERRPATH "/guard", O_RDWR | O_CLOEXEC) >= 0)
				_exit(1);
		}
	}
	ASSERT_LT(0, opener);

	/* Loads that fail take long and must not let it open the file. */
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(-EINVAL, module_load("errpath", slow_and_wrong));
	EXPECT_EQ(0, waitpid(opener, &status, WNOHANG));
	kill(opener, SIGKILL);
	waitpid(opener, &status, 0);
}

/* A load takes half a second, because of its self-test. ERRPATH_LOADS=N: load N times. */
TEST_F_TIMEOUT(loading, again_and_again, 300)
{
	const char *loads = getenv("ERRPATH_LOADS");

	for (int i = 0; i < atoi(loads ?: "10"); i++) {
		ASSERT_EQ(0, module_load("errpath", ""));
		ASSERT_EQ(0, module_unload("errpath"));
	}
}
