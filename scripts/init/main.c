// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the guest: mounts, loads modules, and runs the selftests one by one, each
 * with a time limit. It reports over virtio-serial ports, so that console output of
 * the kernel can neither hide nor fake a result:
 *   errpath.ktap      results; a program's own lines are prefixed with "# "
 *   errpath.kmsg      the kernel log, as it grows
 *   errpath.counters  what tests write to /run/errpath/counters
 *   errpath.status    0 or 1, once, after everything else; or hang: the host is to give it up
 *   errpath.command   of a single command instead of the selftests: that it begins, and its status
 * It always ends by powering the guest off. The kernel command line passes
 * ERRPATH_LINE (name of the kernel line) and ERRPATH_SHELL=1 (a prompt instead of
 * the selftests) as environment; orders.c takes more.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);	/* qemu -no-reboot ends on this too */
	for (;;)
		pause();
}

void die(const char *format, ...)
{
	char why[512];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);

	dprintf(STDERR_FILENO, "errpath init: %s\n", why);
	ktap_print("Bail out! %s\n", why);
	status_print(1);
	power_off();
}

int must(int value, const char *what)
{
	if (value < 0)
		die("%s: %s", what, strerror(errno));
	return value;
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void mount_at(const char *type, const char *where)
{
	mkdir(where, 0755);
	must(mount(type, where, type, 0, NULL), where);
}

static void mount_all(void)
{
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	mount_at("tmpfs", "/tmp");
	mount_at("tmpfs", "/run");
	mount_at("debugfs", "/sys/kernel/debug");
	mount_at("tracefs", "/sys/kernel/tracing");
	/* A kernel without cgroups lacks the directory. */
	mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	must(mkdir("/run/errpath", 0755), "/run/errpath");
}

int main(void)
{
	if (getpid() != 1) {
		fprintf(stderr, "errpath init: must be PID 1 of the guest\n");
		return 1;
	}
	mount_all();
	setenv("PATH", "/bin", 1);
	setenv("ERRPATH_MODULES", "/modules", 1);
	setenv("ERRPATH_COUNTERS", COUNTERS, 1);
	each_line("/lib/modules/load", load_own);
	orders_take();
	if (!access("/command", F_OK))
		run_command();
	else if (getenv("ERRPATH_SHELL"))
		run_shell();
	else
		run_selftests();
	power_off();
}
