// SPDX-License-Identifier: GPL-2.0
/*
 * Runs in a guest that is migrated. Memory that the guest zeroes during its migration must read
 * as zero at the destination, and a point that was armed before must still be armed.
 * scripts/zero-guest runs this program and migrates its guest. The two synchronise by lines on
 * the port errpath.migration: the guest sends "filled" and "zeroed", the host sends "zero" and
 * "check".
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include "lib/harness.h"

#include "lib/knobs.h"
#include "lib/port.h"
#include "lib/target.h"
#include "lib/thp.h"

#define SIZE (16UL << 20)
#define PAGE 4096UL
#define SEED 3
#define POINT "target"
#define NTH 1000
#define CALLS 600		/* before the migration, and after it */

static int port;

static int host_send(const char *text)
{
	return write(port, text, strlen(text)) < 0 ? -errno : 0;
}

static bool host_has_sent(void)
{
	struct pollfd fd = { .fd = port, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

/* Waits for a line from the host; returns -EPROTO if it is not @wanted. */
static int host_wait_for(const char *wanted)
{
	char line[64] = "";
	size_t len = 0;
	ssize_t n;

	while (!memchr(line, '\n', len)) {
		if (len == sizeof(line))
			return -EPROTO;
		n = read(port, line + len, sizeof(line) - len);
		if (n <= 0)
			return n ? -errno : -EPIPE;
		len += n;
	}
	return len == strlen(wanted) && !memcmp(line, wanted, len) ? 0 : -EPROTO;
}

static void fill(char *mem)
{
	for (size_t at = 0; at < SIZE; at += PAGE)
		pattern_fill(mem + at, PAGE, SEED + at / PAGE);
}

/* Keeps the migration from converging until the host sends the next line. */
static void dirty_until_host_sends(char *mem)
{
	while (!host_has_sent())
		for (size_t at = 0; at < SIZE; at += PAGE)
			__atomic_fetch_xor(mem + at, 0x80, __ATOMIC_RELAXED);
}

static int failed_calls(unsigned long *failed)
{
	struct target_calls calls;
	int err = target_call(CALLS, "traced", "task", &calls);

	*failed = calls.failed;
	return err;
}

TEST(zeroed_while_it_migrates)
{
	int guard = guard_open();
	unsigned long failed;
	struct stats s;
	char *mem, *kept, left[32];

	ASSERT_LE(0, guard);

	/* Open the port to the host. */
	port = port_open("errpath.migration", O_RDWR);
	if (port == -ENODEV)
		SKIP(return, "this guest is not migrated: use scripts/zero-guest");
	ASSERT_LE(0, port);

	/* Map memory that will be zeroed, and memory that keeps its content. */
	mem = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, madvise(mem, 2 * SIZE, MADV_NOHUGEPAGE));
	kept = mem + SIZE;
	fill(mem);
	fill(kept);

	/* Arm a point, and use up some of the calls until it fires. */
	ASSERT_EQ(0, arm_nth(POINT, NTH));
	ASSERT_EQ(0, failed_calls(&failed));
	ASSERT_EQ(0, failed);

	/* Zero the memory once the host has sent all of it. */
	ASSERT_EQ(0, host_send("filled\n"));
	dirty_until_host_sends(mem);
	ASSERT_EQ(0, host_wait_for("zero\n"));
	memset(mem, 0, SIZE);
	ASSERT_EQ(0, host_send("zeroed\n"));

	/* Compare the memory at the destination. */
	ASSERT_EQ(0, host_wait_for("check\n"));
	for (size_t at = 0; at < SIZE; at += PAGE) {
		EXPECT_TRUE(is_zero(mem + at, PAGE));
		EXPECT_EQ(0, pattern_wrong(kept + at, PAGE, SEED + at / PAGE));
	}

	/* The point must still be armed, count on, and fire once. */
	EXPECT_STREQ("armed", point_state(POINT));
	ASSERT_LE(0, knob_get(POINT, "nth", left, sizeof(left)));
	EXPECT_EQ(NTH - CALLS, strtol(left, NULL, 10));
	ASSERT_EQ(0, failed_calls(&failed));
	EXPECT_EQ(1, failed);
	EXPECT_STREQ("spent", point_state(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.injected);
	EXPECT_EQ(0, s.missed);
	ASSERT_EQ(0, failed_calls(&failed));
	EXPECT_EQ(0, failed);
	EXPECT_EQ(0, disarm(POINT));
}

TEST_HARNESS_MAIN
