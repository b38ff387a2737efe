// SPDX-License-Identifier: GPL-2.0
/*
 * errpath sweep: it fails each allocation of a command, reports what is not handled as it should
 * be, shows its progress, and leaves nothing armed, whatever ends it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "lib/harness.h"

#include "lib/command.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"

#define DIRECTORY "/tmp/errpath-sweep"
#define HOTPLUG "/sys/kernel/debug/errpath_hotplug/"
#define CHAIN "echo go >/sys/kernel/debug/errpath_alloc/chain"
#define MEMORY "0x200000000"	/* behind all RAM of a guest */
/* Tries twice; where both fail, leaves memory behind. */
#define RETRY CHAIN " || " CHAIN " || { echo " MEMORY " 128M >" HOTPLUG "add; exit 1; }"

FIXTURE(sweep)
{
	struct command_result r;
};

FIXTURE_SETUP(sweep)
{
	const char *reason = point_unavailable("alloc");

	if (reason)
		SKIP(return, "%s", reason);
	command_prepare(DIRECTORY);
	ASSERT_EQ(0, module_load("errpath_alloc", ""));
}

FIXTURE_TEARDOWN_PARENT(sweep)
{
	EXPECT_STREQ("off", point_state("alloc"));
	if (module_loaded("errpath_alloc"))
		EXPECT_EQ(0, module_unload("errpath_alloc"));
	rmdir(DIRECTORY);
}

TEST_F_TIMEOUT(sweep, fails_each_allocation, 120)
{
	RUN("sweep", "caller=stack:errpath_alloc:do_chain", "--", "sh", "-c", RETRY);
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^errpath: 5 calls: 5 failed one by one, 0 did not occur again, 0 findings$");
}

/* A failure that persists leaves memory behind, the first time. */
TEST_F_TIMEOUT(sweep, finds_what_is_left, 120)
{
	if (access(HOTPLUG "add", F_OK))
		SKIP(return, "errpath_hotplug.ko is not loaded");
	RUN("sweep", "--persistent", "caller=errpath_alloc:errpath_alloc_chain1", "--", "sh", "-c",
	    RETRY);
	EXPECT_EQ(1, self->r.status);
	EXPECT_OUT("^errpath:     errpath_alloc_chain1\\+0x");
	EXPECT_OUT("^errpath:   /proc/iomem: \\+ ");
	EXPECT_OUT("^errpath: 1 calls: 1 failed one by one, .* 1 findings$");
	EXPECT_EQ(0, file_write(HOTPLUG "remove", MEMORY " 128M"));
}

/* Whatever a sweep started must not hold the guard longer than the sweep does. */
TEST_F_TIMEOUT(sweep, that_is_killed_leaves_nothing_armed, 30)
{
	static const char * const words[] = {
		"errpath", "sweep", "caller=stack:errpath_alloc:do_chain", "--", "sh", "-c",
		CHAIN "; sleep 1", NULL,
	};
	pid_t pid;
	int guard;

	pid = command_start(open("/dev/null", O_RDWR | O_CLOEXEC), words);
	ASSERT_TRUE(command_arms("alloc"));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, command_wait(pid));
	guard = guard_open();
	ASSERT_LE(0, guard);
	EXPECT_STREQ("off", point_state("alloc"));
	close(guard);
}

TEST_F_TIMEOUT(sweep, refuses_a_command_that_succeeds_once, 30)
{
	RUN("sweep", "caller=stack:errpath_alloc:do_chain", "--", "mkdir", DIRECTORY "/once");
	EXPECT_EQ(COMMAND_FAILED, self->r.status);
	EXPECT_OUT("^errpath: mkdir succeeds only once: sweep a command that can be repeated$");
	EXPECT_EQ(0, rmdir(DIRECTORY "/once"));
}

/* Fails once, and from then on succeeds no more. */
#define FLAG DIRECTORY "/flag"
#define FRAGILE "test ! -e " FLAG " && { " CHAIN " || { : >" FLAG "; exit 1; }; }"

TEST_F_TIMEOUT(sweep, reports_a_broken_command, 30)
{
	RUN("sweep", "caller=stack:errpath_alloc:do_chain", "--", "sh", "-c", FRAGILE);
	EXPECT_EQ(1, self->r.status);
	EXPECT_OUT("^errpath: call 1 of .*\\(\\) failed, below$");
	EXPECT_OUT("^errpath:   the command does not succeed any more: command: ");
	EXPECT_OUT("^errpath: the sweep ended early, after 0 of 5 calls: nothing is armed ");
	EXPECT_STREQ("off", point_state("alloc"));
	EXPECT_EQ(0, unlink(FLAG));
}

TEST_F_TIMEOUT(sweep, reports_a_hang, 30)
{
	RUN("sweep", "--timeout=2", "caller=stack:errpath_alloc:do_chain", "--", "sh", "-c",
	    CHAIN " || sleep 60");
	EXPECT_EQ(1, self->r.status);
	EXPECT_OUT("^errpath: call 1 of .*\\(\\) failed, below$");
	EXPECT_OUT("^errpath:   the command hangs at$");
	if (!access("/proc/thread-self/children", F_OK))
		EXPECT_OUT("nanosleep");
	EXPECT_OUT("^errpath: the sweep ended early, after 0 of 5 calls: nothing is armed ");
	EXPECT_STREQ("off", point_state("alloc"));
}

/* Reads all that is written to the other end of a terminal. */
static void read_terminal(int master, char *out, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while ((n = read(master, out + length, size - 1 - length)) > 0)
		length += n;
	out[length] = '\0';
}

/* Opens both ends of a terminal. A guest has no devpts mounted. */
static int open_terminal(int *master)
{
	mkdir("/dev/pts", 0755);
	if (access("/dev/pts/ptmx", F_OK) && mount("none", "/dev/pts", "devpts", 0, NULL))
		return -errno;
	*master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*master < 0 || unlockpt(*master))
		return -errno;
	return ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* One line, which is written again for each call; at the end it gives way to the sum. */
TEST_F_TIMEOUT(sweep, shows_progress_on_a_terminal, 30)
{
	static const char * const words[] = {
		"errpath", "sweep",
		"caller=errpath_alloc:errpath_alloc_chain1,errpath_alloc:errpath_alloc_chain2",
		"--", "sh", "-c", CHAIN, NULL,
	};
	int master, slave;
	pid_t pid;

	slave = open_terminal(&master);
	ASSERT_LE(0, slave);
	pid = command_start(slave, words);
	close(slave);
	read_terminal(master, self->r.out, sizeof(self->r.out));
	close(master);
	EXPECT_EQ(0, command_wait(pid));
	for (int done = 0; done < 2; done++) {
		char line[128];

		snprintf(line, sizeof(line), "\r\033\\[Kerrpath: %d of 2 calls, 0 findings: ",
			 done);
		EXPECT_OUT(line);
	}
	EXPECT_OUT("\r\033\\[Kerrpath: 2 calls: 2 failed one by one, ");
}

TEST_HARNESS_MAIN
