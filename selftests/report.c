// SPDX-License-Identifier: GPL-2.0
/*
 * Failures under locks that a console takes. The tty layer allocates memory with the lock
 * of the serial port held, in its interrupt, and with the lock of a pty held. If errpath
 * printed a line to the kernel log from there, the CPU would wait for a lock that it holds.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>

#include "lib/harness.h"

#include "lib/file.h"
#include "lib/kmsg.h"
#include "lib/knobs.h"
#include "lib/target.h"

#define POINT "alloc"
#define PRINTK "/proc/sys/kernel/printk"
#define CONSOLE "/dev/ttyS0"
#define CHARACTERS 200

#define INJECTED "^errpath: inject alloc: .* fails, call [0-9]+, pid "

/* glibc does not define this bit. */
#ifndef TIOCM_LOOP
#define TIOCM_LOOP 0x8000
#endif

FIXTURE(report)
{
	int guard;
	int kmsg;
	char printk[64];
};

FIXTURE_SETUP(report)
{
	const char *reason = point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
	ASSERT_LT(0, file_read(PRINTK, self->printk, sizeof(self->printk)));

	/* Let the console print every line. */
	ASSERT_EQ(0, file_write(PRINTK, "8"));
	ASSERT_EQ(0, knob_set(POINT, "task-filter", "N"));
	ASSERT_EQ(0, knob_set(POINT, "times", "-1"));
	ASSERT_EQ(0, knob_set(POINT, "verbose", "2"));
	ASSERT_EQ(0, knob_set(POINT, "gfp-reject", "0"));
}

FIXTURE_TEARDOWN(report)
{
	file_write(PRINTK, self->printk);
	close(self->kmsg);
	close(self->guard);
}

/* Lets the port send to itself: each character that is written causes an interrupt. */
static int loop_back(int tty, bool on)
{
	int bits = TIOCM_LOOP;

	return ioctl(tty, on ? TIOCMBIS : TIOCMBIC, &bits) ? -errno : 0;
}

static int make_raw(int tty)
{
	struct termios modes;

	if (tcgetattr(tty, &modes))
		return -errno;
	cfmakeraw(&modes);
	modes.c_cflag |= CREAD | CLOCAL;
	return tcsetattr(tty, TCSANOW, &modes) ? -errno : 0;
}

TEST_F(report, below_the_lock_of_the_serial_port)
{
	int tty = open(CONSOLE, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios modes;
	struct stats s;

	/* The file can be of a driver without a device. */
	if ((tty < 0 && errno == ENOENT) || (tty >= 0 && tcgetattr(tty, &modes) && errno == EIO))
		SKIP(return, "this guest has no " CONSOLE);

	/* Let the port send to itself, and fail the allocations in its interrupt. */
	ASSERT_LE(0, tty);
	ASSERT_EQ(0, tcgetattr(tty, &modes));
	ASSERT_EQ(0, make_raw(tty));
	ASSERT_EQ(0, knob_set(POINT, "caller", "stack:serial8250_interrupt"));
	ASSERT_EQ(0, knob_set(POINT, "probability", "100"));
	ASSERT_EQ(0, loop_back(tty, true));

	/* Write characters. */
	for (int i = 0; i < CHARACTERS; i++) {
		if (write(tty, "x", 1) != 1)
			usleep(1000);
	}
	tcdrain(tty);
	ASSERT_EQ(0, loop_back(tty, false));

	/* Allocations must have failed, and the machine must still run. */
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_LT(0, s.injected);
	EXPECT_EQ(0, s.missed);
	tcflush(tty, TCIFLUSH);
	tcsetattr(tty, TCSANOW, &modes);
	close(tty);
}

TEST_F(report, below_the_lock_of_a_pty)
{
	int pty, slave, unlocked = 0;
	struct stats s;

	/* Open a pty, in a mount namespace that ends with the test. */
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	mkdir("/dev/pts", 0755);
	ASSERT_EQ(0, mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0600"));
	pty = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, pty);
	ASSERT_EQ(0, ioctl(pty, TIOCSPTLCK, &unlocked));
	slave = ioctl(pty, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	ASSERT_LE(0, slave);

	/* Fail the allocations of writes to it. */
	ASSERT_EQ(0, knob_set(POINT, "caller", "stack:tty_insert_flip_string_and_push_buffer"));
	ASSERT_EQ(0, knob_set(POINT, "probability", "100"));
	for (int i = 0; i < 10; i++)
		EXPECT_GE(1, write(pty, "x", 1));
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_LT(0, s.injected);

	/* They have __GFP_NOWARN: like the kernel's own injectors, errpath prints no line. */
	EXPECT_EQ(0, kmsg_count(self->kmsg, "^errpath: inject"));
	close(slave);
	close(pty);
}

/* Each failure of a task must have a line and a stack in the log. */
TEST_F(report, lines_and_stacks_are_whole)
{
	struct stats s;

	ASSERT_EQ(0, knob_set(POINT, "task-filter", "Y"));
	ASSERT_EQ(0, knob_set(POINT, "tasks", "self"));
	ASSERT_EQ(0, knob_set(POINT, "times", "20"));
	ASSERT_EQ(0, knob_set(POINT, "caller", "stack:do_sys_openat2 stack:do_sys_open"));
	ASSERT_EQ(0, knob_set(POINT, "probability", "100"));
	for (int i = 0; i < 20; i++) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		EXPECT_GT(0, fd);
	}
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(20, s.injected);
	EXPECT_EQ(20, kmsg_count(self->kmsg, INJECTED));
}

/* Lines wait in a ring while interrupts are off. Lines that do not fit must be counted. */
TEST_F(report, what_the_ring_drops_is_counted)
{
	struct target_calls calls;
	char line[256];
	int printed = 0, dropped = 0, n;

	ASSERT_EQ(0, knob_set("target", "tasks", "self"));
	ASSERT_EQ(0, knob_set("target", "times", "-1"));
	ASSERT_EQ(0, knob_set("target", "probability", "100"));
	ASSERT_EQ(0, target_call(500, "traced", "loop", &calls));
	ASSERT_EQ(0, disarm("target"));
	while (kmsg_next(self->kmsg, line, sizeof(line))) {
		printed += !strncmp(line, "errpath: inject target:", 23);
		if (sscanf(line, "errpath: inject: %d lines dropped", &n) == 1)
			dropped += n;
	}
	EXPECT_LT(0, printed);
	EXPECT_LT(0, dropped);
	EXPECT_EQ(500, printed + dropped);
}

TEST_HARNESS_MAIN
