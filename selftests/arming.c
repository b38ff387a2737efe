// SPDX-License-Identifier: GPL-2.0
/* Arming is atomic: it intercepts all functions of a point or none, and fails no call early. */
#include <fcntl.h>
#include <signal.h>

#include "lib/harness.h"

#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"

#define POINT "alloc"
#define ALLOC_FILE "/sys/kernel/debug/errpath_alloc/alloc"
#define RIVAL "/sys/kernel/debug/errpath_rival/set"

FIXTURE(arming)
{
	int guard;
	pid_t allocator;
	char last[128];		/* the function of the point that is intercepted last */
};

/* Allocates until it is killed. Exits when an allocation fails. */
static void allocate_until_killed(void)
{
	int fd = open(ALLOC_FILE, O_WRONLY | O_CLOEXEC);

	while (write(fd, "kmalloc_size task", 17) == 17)
		;
	_exit(1);
}

/* Finds the last function of the point that is not absent. Returns 0 or -errno. */
static int status_find_last(char name[128])
{
	static char status[32768];
	char *line, *save, function[128], how[16];
	bool in_point = false;

	*name = '\0';
	if (file_read(ERRPATH "/status", status, sizeof(status)) < 0)
		return -ENOENT;
	for (line = strtok_r(status, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line != ' ')
			in_point = !strncmp(line, POINT " ", strlen(POINT " "));
		else if (in_point && sscanf(line, "%127s %15s", function, how) == 2 &&
			 strcmp(how, "absent"))
			memcpy(name, function, sizeof(function));
	}
	return *name ? 0 : -ENOENT;
}

FIXTURE_SETUP(arming)
{
	const char *reason = point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	ASSERT_EQ(0, module_load("errpath_rival", ""));
	ASSERT_EQ(0, status_find_last(self->last));
	self->allocator = fork();
	if (!self->allocator)
		allocate_until_killed();
	ASSERT_LT(0, self->allocator);
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, knob_set(POINT, "tasks", "%d", self->allocator));
}

FIXTURE_TEARDOWN(arming)
{
	if (self->allocator > 0) {
		kill(self->allocator, SIGKILL);
		waitpid(self->allocator, NULL, 0);
	}
	file_write(RIVAL, "none");
	EXPECT_EQ(0, module_unload("errpath_rival"));
	EXPECT_EQ(0, module_unload("errpath_alloc"));
}

/* Lets errpath_rival.ko modify @function, so that errpath cannot intercept it. */
static int rival_take(const char *function)
{
	char text[160];

	snprintf(text, sizeof(text), "post_handler %s", function);
	return file_write(RIVAL, text);
}

static bool is_running(pid_t pid)
{
	return !waitpid(pid, NULL, WNOHANG);
}

/* One of the point's functions cannot be intercepted: calls of the others must not fail. */
TEST_F(arming, refused_fails_and_counts_nothing)
{
	struct stats s;
	char times[16];

	/* Try to arm the point. */
	ASSERT_EQ(0, rival_take(self->last));
	ASSERT_EQ(0, knob_set(POINT, "times", "5"));
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(-EBUSY, knob_set(POINT, "probability", "100"));
		EXPECT_STREQ("off", point_state(POINT));
	}

	/* No call may have been counted or failed. */
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(0, s.seen);
	EXPECT_EQ(0, s.injected);
	ASSERT_EQ(0, knob_get(POINT, "times", times, sizeof(times)));
	EXPECT_STREQ("5", times);
	EXPECT_TRUE(is_running(self->allocator));

	/* Arm it when that is possible: the allocator must exit. */
	ASSERT_EQ(0, file_write(RIVAL, "none"));
	ASSERT_EQ(0, knob_set(POINT, "probability", "100"));
	EXPECT_EQ(self->allocator, waitpid(self->allocator, NULL, 0));
	self->allocator = 0;
	ASSERT_EQ(0, disarm(POINT));
}

/* nth starts to count when all functions are intercepted, not earlier. */
TEST_F(arming, refused_nth_is_not_used_up)
{
	char nth[16];

	ASSERT_EQ(0, rival_take(self->last));
	EXPECT_EQ(-EBUSY, knob_set(POINT, "nth", "1000000"));
	ASSERT_EQ(0, knob_get(POINT, "nth", nth, sizeof(nth)));
	EXPECT_STREQ("0", nth);
	EXPECT_TRUE(is_running(self->allocator));
}

/* A task that reads status all the time must see only states that the point can have. */
TEST_F(arming, state_is_shown_while_it_changes)
{
	static const char * const states[] = { "off", "armed", "spent" };
	pid_t reader = fork();

	/* Read the state all the time. */
	if (!reader) {
		for (;;) {
			const char *state = point_state(POINT);
			bool known = false;

			for (size_t i = 0; i < ARRAY_SIZE(states); i++)
				known |= state && !strcmp(state, states[i]);
			if (!known)
				_exit(1);
		}
	}
	ASSERT_LT(0, reader);

	/* Arm and disarm the point meanwhile. */
	ASSERT_EQ(0, knob_set(POINT, "times", "0"));
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(0, knob_set(POINT, "probability", "100"));
		EXPECT_EQ(0, knob_set(POINT, "probability", "0"));
	}
	EXPECT_TRUE(is_running(reader));
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
}

TEST_HARNESS_MAIN
