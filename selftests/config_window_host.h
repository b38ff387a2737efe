/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of what the host does during a probe of pci-hyperv: answers that are lost, late or
 * refused, ejections, rescinds, hot-plug. A part of config_window.c, whose fixtures it uses.
 */

/* Bind in a child process, because the probe may wait forever. */
static pid_t bind_in_background(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(-vmbus_bind(0));
	return pid;
}

/* Returns the probe's -errno, or -EINPROGRESS if it still waits in @function after 3 seconds. */
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

static bool bind_is_running(pid_t pid)
{
	siginfo_t info = {};

	waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return !info.si_pid;
}

#define WAITS_IN "hv_pci_query_relations"

/* The host does not report the relations. The probe waits, and continues after a late report. */
TEST_F(config_window, relations_lost)
{
	struct verdict v;
	pid_t pid;
	int err;

	VERDICT_BEGIN(&v, "");

	/* Drop the report: the probe waits. */
	ASSERT_EQ(0, vmbus_rule("relations", "drop", 1));
	pid = bind_in_background();
	err = wait_for_bind(pid, WAITS_IN);
	EXPECT_EQ(-ETIMEDOUT, verdict_errno(&v, "unanswered", err, -ETIMEDOUT));

	/* Report the relations: the probe succeeds. */
	EXPECT_EQ(0, vmbus_command("relations", 0, 1));
	EXPECT_EQ(0, wait_for_bind(pid, WAITS_IN));
	EXPECT_TRUE(vmbus_bound(0));
	EXPECT_EQ(1, vmbus_functions(0));
	VERDICT_END(&v);
}

/* The host rescinds the bus while the probe waits, and offers it again. */
TEST_F(config_window, rescind_ends_the_wait)
{
	pid_t pid;

	/* Drop the report: the probe waits. */
	ASSERT_EQ(0, vmbus_rule("relations", "drop", 1));
	pid = bind_in_background();
	EXPECT_EQ(-EINPROGRESS, wait_for_bind(pid, WAITS_IN));

	/* Rescind the bus: the probe ends. */
	EXPECT_EQ(0, vmbus_command("rescind", 0, -1));
	EXPECT_EQ(-ENODEV, wait_for_bind(pid, WAITS_IN));
	EXPECT_EQ(0, vmbus_config_window(0).size);

	/* Offer the bus again: the driver binds. */
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

/* Sysfs can show a change before the driver sends its message to the host. */
static long wait_for_message(const char *message, long wanted)
{
	int tries;

	for (tries = 0; tries < 50 && vmbus_seen(message) != wanted; tries++)
		usleep(100000);
	return vmbus_seen(message);
}

/* The driver accepts late and repeated answers. */
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

/* A host that supports version 1.1 only: its relations are of type 1. */
TEST_F(config_window, old_protocol)
{
	long seen = vmbus_seen("version");

	ASSERT_EQ(0, vmbus_host_version(0x10001));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(4, vmbus_seen("version") - seen);	/* 1.4, 1.3, 1.2, 1.1 */
	EXPECT_EQ(1, vmbus_functions(0));
}

/* The host refuses D0 entry after a delay, and ejects the function meanwhile. */
TEST_F(config_window, eject_in_a_failing_probe)
{
	long seen = vmbus_seen("d0_entry");
	struct vmbus_window windows[4];
	pid_t pid;

	/* Bind while the host delays its refusal. */
	ASSERT_EQ(0, vmbus_rule("d0_entry", "delay_ms", 1000));
	ASSERT_EQ(0, vmbus_rule("d0_entry", "status", STATUS_UNSUCCESSFUL));
	pid = bind_in_background();
	while (vmbus_seen("d0_entry") == seen)
		usleep(10000);
	EXPECT_TRUE(bind_is_running(pid));

	/* Eject the function: the probe fails and leaves nothing. */
	EXPECT_EQ(0, vmbus_command("eject", 0, 0));
	EXPECT_EQ(-EPROTO, wait_for_bind(pid, "hv_pci_enter_d0"));
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_functions(0));

	/* Accept D0 entry: the probe succeeds, and a function can be added. */
	ASSERT_EQ(0, vmbus_rule("d0_entry", "status", 0));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(0, vmbus_command("relations", 0, 1));
	EXPECT_EQ(1, wait_for_functions(1));
}

/* The host refuses D0 entry after a delay, and rescinds the bus meanwhile. */
TEST_F(config_window, rescind_in_a_failing_probe)
{
	long seen = vmbus_seen("d0_entry");
	struct vmbus_window windows[4];
	pid_t pid;

	/* Bind while the host delays its refusal. */
	ASSERT_EQ(0, vmbus_rule("d0_entry", "delay_ms", 1000));
	ASSERT_EQ(0, vmbus_rule("d0_entry", "status", STATUS_UNSUCCESSFUL));
	pid = bind_in_background();
	while (vmbus_seen("d0_entry") == seen)
		usleep(10000);
	EXPECT_TRUE(bind_is_running(pid));

	/* Rescind the bus: the probe fails and leaves nothing. */
	EXPECT_EQ(0, vmbus_command("rescind", 0, -1));
	EXPECT_GT(0, wait_for_bind(pid, "hv_pci_enter_d0"));
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_functions(0));

	/* Accept D0 entry, and offer the bus again: the driver binds. */
	ASSERT_EQ(0, vmbus_rule("d0_entry", "status", 0));
	EXPECT_EQ(0, vmbus_command("offer", 0, -1));
	EXPECT_TRUE(vmbus_bound(0));
	EXPECT_EQ(1, vmbus_functions(0));
}

/* The driver requests the interrupt of a function from the host, and returns it. */
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
	/* Add seven functions. */
	ASSERT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(0, vmbus_command("relations", 0, 8));
	EXPECT_EQ(8, wait_for_functions(8));

	/* Eject one function: the driver removes it and reports that. */
	EXPECT_EQ(0, vmbus_command("eject", 0, 3));
	EXPECT_EQ(7, wait_for_functions(7));
	EXPECT_EQ(1, wait_for_message("ejected", 1));
	EXPECT_EQ(-ENODEV, vmbus_command("eject", 0, 3));

	/* Unbind, and bind again: the other seven are back. */
	EXPECT_EQ(0, vmbus_unbind(0));
	EXPECT_EQ(0, vmbus_functions(0));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(7, vmbus_functions(0));
}

/* The host refuses a message of the probe. */
FIXTURE(refused)
{
	int unused;
};

FIXTURE_VARIANT(refused)
{
	const char *message;
	int err;
	int functions;		/* number of functions if the probe succeeds */
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

/* The probe succeeds, but the function has no BAR. */
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

	/* Refuse the message: the probe fails with the expected error and leaves nothing. */
	ASSERT_EQ(0, vmbus_rule(variant->message, "status", STATUS_UNSUCCESSFUL));
	EXPECT_EQ(variant->err, vmbus_bind(0));
	if (!variant->err) {
		EXPECT_TRUE(vmbus_bound(0));
		EXPECT_EQ(variant->functions, vmbus_functions(0));
		EXPECT_EQ(0, vmbus_unbind(0));
	}
	EXPECT_EQ(0, vmbus_windows(0, windows, 4));
	EXPECT_EQ(0, vmbus_functions(0));

	/* Accept the message: the probe succeeds. */
	ASSERT_EQ(0, vmbus_rule(variant->message, "status", 0));
	EXPECT_EQ(0, vmbus_bind(0));
	EXPECT_EQ(3, vmbus_windows(0, windows, 4));
	EXPECT_EQ(1, vmbus_functions(0));
}
