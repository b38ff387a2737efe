// SPDX-License-Identifier: GPL-2.0
/* A process is killed while it migrates, or while it holds device memory. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/file.h"
#include "lib/verdict.h"

#include "migration/range.h"

#define PAUSE_MS 20000
#define KILLS 10

/* Kills @child. Returns the signal that ended it, 0 if none did, or -errno. */
static int kill_and_wait(pid_t child)
{
	int status = 0;

	kill(child, SIGKILL);
	if (waitpid(child, &status, 0) != child)
		return -errno;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

FIXTURE(killed)
{
	char *mem;
};

FIXTURE_VARIANT(killed)
{
	const char *name;
	enum source source;
	const char *how;	/* see migrate() */
};

FIXTURE_VARIANT_ADD(killed, small_to_4k)
{
	.name = "small_to_4k",
	.source = SMALL,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(killed, thp_to_4k)
{
	.name = "thp_to_4k",
	.source = HUGE,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(killed, whole_thp_to_2m)
{
	.name = "whole_thp_to_2m",
	.source = HUGE,
	.how = "system 2m",
};

FIXTURE_VARIANT_ADD(killed, whole_thp_to_device)
{
	.name = "whole_thp_to_device",
	.source = HUGE,
	.how = "device 2m",
};

FIXTURE_SETUP(killed)
{
	const char *reason = migration_load();

	reason = reason ?: migration_unavailable(variant->how, variant->source);
	if (reason)
		SKIP(return, "%s", reason);
	self->mem = range_map(variant->how, variant->source);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN_PARENT(killed)
{
	EXPECT_EQ(0, migration_unload());
}

/* Returns true if @pid is in a sleep that only a fatal signal interrupts. */
static bool is_in_killable_sleep(pid_t pid)
{
	char path[64], text[512], state = '?';

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read(path, text, sizeof(text)) > 0)
		sscanf(text, "%*d (%*[^)]) %c", &state);
	return state == 'D';
}

/* Forks a child that migrates the range forwards and back until it is killed. */
static pid_t fork_migrating(char *mem, enum source source, const char *how)
{
	pid_t child = fork();
	struct migration m;
	int err = 0;

	if (child)
		return child;
	while (!err) {
		range_fill(mem, source);
		err = migrate(mem, SIZE, how, &m) ?: migrate(mem, SIZE, "system 4k", &m);
	}
	_exit(err);
}

TEST_F(killed, nothing_lost)
{
	struct timespec from, to;
	struct verdict v;
	pid_t child;

	/* Load the module afresh. */
	ASSERT_EQ(0, migration_unload());
	ASSERT_EQ(NULL, migration_load());
	VERDICT_BEGIN(&v, variant->name);

	/* Pause a migration while its pages are unmapped. */
	ASSERT_EQ(0, migrate_pause(PAUSE_MS));
	child = fork_migrating(self->mem, variant->source, variant->how);
	for (int i = 0; i < 1000 && !is_in_killable_sleep(child); i++)
		usleep(10000);
	EXPECT_TRUE(is_in_killable_sleep(child));
	EXPECT_EQ(-EAGAIN, migration_unload());

	/* Kill the process: it must not sleep until the pause is over. */
	clock_gettime(CLOCK_MONOTONIC, &from);
	EXPECT_EQ(SIGKILL, kill_and_wait(child));
	clock_gettime(CLOCK_MONOTONIC, &to);
	EXPECT_GT(PAUSE_MS / 1000 / 2, to.tv_sec - from.tv_sec);

	/* Kill processes at different moments of a migration. */
	ASSERT_EQ(0, migrate_pause(0));
	for (int i = 0; i < KILLS; i++) {
		child = fork_migrating(self->mem, variant->source, variant->how);
		usleep(10000 + i * 3000);
		EXPECT_EQ(SIGKILL, kill_and_wait(child));
	}

	/* The module must be unused, and every counter back. */
	EXPECT_EQ(0, migration_unload());
	EXPECT_EQ(NULL, migration_load());
	verdict_recovered(&v, "process killed, module unloaded and loaded again");
	VERDICT_END(&v);
}

/* A process that has pages in device memory. */
FIXTURE(device_holder)
{
	char *mem;
};

FIXTURE_SETUP(device_holder)
{
	const char *reason = migration_load();

	reason = reason ?: migration_unavailable("device 2m", HUGE);
	if (reason)
		SKIP(return, "%s", reason);
	self->mem = range_map("device 2m", HUGE);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN_PARENT(device_holder)
{
	EXPECT_EQ(0, migration_unload());
}

/* Migrates the range to the device, writes a byte to @ready, and waits to be killed. */
static void hold_device(char *mem, int ready)
{
	struct migration m;

	range_fill(mem, HUGE);
	migrate(mem, SIZE, "device 2m", &m);
	if (write(ready, "", 1) == 1)
		pause();
	_exit(1);
}

TEST_F(device_holder, keeps_module)
{
	pid_t child;
	int ready[2];
	char c;

	/* Fork a process that holds device memory. */
	ASSERT_EQ(0, pipe(ready));
	child = fork();
	if (!child)
		hold_device(self->mem, ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));

	/* The module must stay as long as its memory is in use. */
	EXPECT_EQ(PAGES, migrate_device_used());
	EXPECT_EQ(-EAGAIN, migration_unload());

	/* Kill the process: its device memory must be free. */
	EXPECT_EQ(SIGKILL, kill_and_wait(child));
	EXPECT_EQ(0, migrate_device_used());
	EXPECT_EQ(0, migration_unload());
}
