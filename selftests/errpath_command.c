// SPDX-License-Identifier: GPL-2.0
/*
 * The command errpath: it fails calls of a command and of no other task, exits as the command
 * does, says what fired and what is not as before, and leaves nothing armed, whatever ends it.
 * errpath_sweep.c tests its subcommand sweep.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/harness.h"

#include "lib/command.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/vmbus.h"

#define DIRECTORY "/tmp/errpath-command"
#define HOTPLUG "/sys/kernel/debug/errpath_hotplug/"
#define HV_PCI "/sys/bus/vmbus/drivers/hv_pci"
#define MEMORY "0x200000000"	/* behind all RAM of a guest */
#define MAX_WORDS 24

FIXTURE(command)
{
	struct command_result r;
};

FIXTURE_SETUP(command)
{
	const char *reason = point_unavailable("target");

	if (reason)
		SKIP(return, "%s", reason);
	command_prepare(DIRECTORY);
}

FIXTURE_TEARDOWN_PARENT(command)
{
	EXPECT_STREQ("unknown", point_state("vfs_rmdir"));
	EXPECT_STREQ("off", point_state("target"));
	rmdir(DIRECTORY);
}

static int lines_of(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

TEST_F(command, run_fails_a_function)
{
	RUN("run", "vfs_rmdir=-ENOSPC", "--", "rmdir", DIRECTORY);
	EXPECT_EQ(1, self->r.status);
	EXPECT_OUT("No space left on device");
	EXPECT_OUT("^errpath: vfs_rmdir\\(\\) returns -ENOSPC: failed 1 of 1 matching calls$");
	EXPECT_OUT("^errpath:   1 called from [a-z_0-9]+\\(\\)$");
	EXPECT_OUT("^errpath: every gauge is back, and the kernel log is clean$");
	EXPECT_EQ(0, access(DIRECTORY, F_OK));

	/* A call that does not happen. */
	RUN("run", "vfs_rmdir=-ENOMEM", "nth=2", "--", "rmdir", DIRECTORY);
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^errpath: vfs_rmdir\\(\\) returns -ENOMEM: did not fire: of 1 calls 1 ");
	EXPECT_EQ(-1, access(DIRECTORY, F_OK));
}

/* A point with its knobs, and a call that a child of the command makes. */
TEST_F(command, run_arms_a_point_for_children)
{
	RUN("run", "target", "errno=-5", "nth=3", "--", "sh", "-c",
	    "cd /sys/kernel/debug/errpath_target; exec 3<>call; echo 2 traced >&3; cat <&3;"
	    "(exec 3<>call; echo 2 traced >&3; cat <&3); exit 0");
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^calls 2 failed 0 ");
	EXPECT_OUT("^calls 2 failed 1 errno -5 ");
	EXPECT_OUT("^errpath: target: failed 1 of 4 matching calls$");
	EXPECT_OUT("^errpath:   1 called from errpath_target_caller\\(\\)$");
}

/* A delayed call succeeds and returns what the function returns. */
TEST_F(command, run_delays_a_function)
{
	RUN("run", "vfs_rmdir=-ENOSPC", "delay-us=2000", "--", "rmdir", DIRECTORY);
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^errpath: vfs_rmdir\\(\\): delayed 1 of 1 matching calls$");
	EXPECT_FALSE(command_printed(self->r.out, "returns|failed|did not fire"));
	EXPECT_EQ(-1, access(DIRECTORY, F_OK));

	/* A call that does not happen. */
	RUN("run", "vfs_rmdir=-ENOSPC", "delay-us=2000", "--", "true");
	EXPECT_OUT("^errpath: vfs_rmdir\\(\\): delayed 0 of 0 matching calls$");
}

/* The handler of a kprobe runs with interrupts off. */
TEST_F(command, run_says_that_a_kprobe_cannot_delay)
{
	RUN("run", "target_notrace", "delay-us=2000", "--", "sh", "-c",
	    "cd /sys/kernel/debug/errpath_target; exec 3<>call; echo 2 notrace >&3; cat <&3");
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^calls 2 failed 0 ");
	EXPECT_OUT("^errpath: errpath_target:errpath_target_notrace\\(\\) is not delayed: a ");
	EXPECT_OUT("^errpath: target_notrace: delayed 0 of 2 matching calls$");
	EXPECT_FALSE(command_printed(self->r.out, "did not fire"));
}

/* The driver's probe gets a config window at a higher address. */
TEST_F_TIMEOUT(command, run_raises_a_minimum, 120)
{
	const char *why = vmbus_unavailable() ?: point_unavailable("config_window");
	char program[256];

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, vmbus_start(""));
	snprintf(program, sizeof(program), "cd " HV_PCI "; echo %s >bind && echo %s >unbind",
		 vmbus_device(0), vmbus_device(0));
	if (vmbus_bound(0))
		ASSERT_EQ(0, vmbus_unbind(0));
	RUN("run", "config_window", "min=0x100000000", "--", "sh", "-c", program);
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^errpath: config_window: raised the minimum of 1 of 1 matching calls$");
	EXPECT_FALSE(command_printed(self->r.out, "failed|did not fire"));
	EXPECT_EQ(0, vmbus_stop());
	EXPECT_EQ(0, vmbus_unload());
}

/* run compares as verdict does, but exits as the command. */
TEST_F(command, run_sees_what_is_left)
{
	if (access(HOTPLUG "add", F_OK))
		SKIP(return, "errpath_hotplug.ko is not loaded");
	RUN("run", "vfs_rmdir=-ENOMEM", "--", "sh", "-c",
	    "rmdir " DIRECTORY "; echo " MEMORY " 128M >" HOTPLUG "add");
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("failed 1 of 1 matching calls$");
	EXPECT_OUT("^errpath: not as before:$");
	EXPECT_OUT("^errpath:   /proc/iomem: \\+ ");
	EXPECT_EQ(0, file_write(HOTPLUG "remove", MEMORY " 128M"));
}

/* With -v the evidence is printed, too; it begins with the point and the operation. */
TEST_F(command, verbose_prints_the_counters)
{
	RUN("run", "-v", "target", "--", "true");
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^# .*vmstat\\.");
	EXPECT_OUT("^errpath: every gauge is back");
	RUN("run", "target", "--", "true");
	EXPECT_FALSE(command_printed(self->r.out, "^#"));
}

TEST_F(command, exits_as_the_command)
{
	static const struct {
		const char *program;
		int status;
	} commands[] = {
		{ "exit 200", 200 },
		{ "kill -9 $$", 128 + SIGKILL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		RUN("run", "vfs_rmdir=-ENOMEM", "--", "sh", "-c", commands[i].program);
		EXPECT_EQ(commands[i].status, self->r.status) TH_LOG("%s", commands[i].program);
	}
	RUN("run", "vfs_rmdir=-ENOMEM", "--", "no-such-command");
	EXPECT_EQ(127, self->r.status);
	EXPECT_OUT("^errpath: cannot run no-such-command: No such file or directory$");
	RUN("run", "vfs_rmdir=-ENOMEM", "--", DIRECTORY);
	EXPECT_EQ(126, self->r.status);
	RUN("verdict", "--", "sh", "-c", "exit 7");
	EXPECT_EQ(7, self->r.status);
}

static long remove_directory(void)
{
	return syscall(SYS_unlinkat, AT_FDCWD, DIRECTORY, AT_REMOVEDIR) ? -errno : 0;
}

/* Calls of other tasks must succeed, and whatever kills errpath must leave nothing armed. */
TEST_F(command, nothing_stays_armed)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGSEGV };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		static const char * const words[] = {
			"errpath", "run", "vfs_rmdir=-ENOMEM", "times=-1", "--", "sleep", "30",
			NULL,
		};
		pid_t pid = command_start(open("/dev/null", O_RDWR | O_CLOEXEC), words);
		int guard;

		ASSERT_TRUE(command_arms("vfs_rmdir"));
		mkdir(DIRECTORY, 0700);
		EXPECT_EQ(0, remove_directory());
		EXPECT_EQ(0, kill(pid, signals[i]));
		/* SIGTERM goes to the command. */
		EXPECT_EQ(128 + signals[i], command_wait(pid));
		EXPECT_STREQ("unknown", point_state("vfs_rmdir"));
		guard = guard_open();
		EXPECT_LE(0, guard);
		close(guard);
	}
}

TEST_F(command, values_must_fit_the_type)
{
	static const struct {
		const char *target, *line;
	} wrong[] = {
		{ "vfs_rmdir=NULL", "cannot return NULL: it returns int or long; write" },
		{ "vfs_rmdir=true", "cannot return true: it returns int or long; write" },
		{ "vfs_rmdir=never", "vfs_rmdir\\(\\) cannot return never: " },
		{ "vfs_rmdir=-ENONE", "vfs_rmdir: functions: -ENONE: RETURN is " },
		{ "vm_area_dup=-ENOMEM", "returns a pointer; write NULL or ERR_PTR\\(" },
		{ "ns_capable=-EPERM", "it returns bool; write false or true$" },
		{ "fput", "fput\\(\\) returns nothing, so it cannot fail" },
		{ "fput=0", "fput\\(\\) returns nothing, so it cannot fail" },
		{ "no_such_function", "BTF has no type of no_such_function" },
		{ "vfs_rmdir,ns_capable", "ns_capable returns false, another function" },
	};

	if (access("/sys/kernel/btf/vmlinux", F_OK))
		SKIP(return, "this kernel has no BTF");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		RUN("run", wrong[i].target, "--", "true");
		EXPECT_EQ(COMMAND_FAILED, self->r.status) TH_LOG("%s", wrong[i].target);
		EXPECT_OUT(wrong[i].line);
		EXPECT_EQ(1, lines_of(self->r.out)) TH_LOG("%s", self->r.out);
	}
}

/* Of each kind of type a function that fails as it should. */
TEST_F(command, values_of_each_type)
{
	static const struct {
		const char *target, *knob, *command, *out;
	} runs[] = {
		{ "vfs_rmdir", "verbose=0", "rmdir " DIRECTORY, "Cannot allocate memory" },
		{ "vm_area_dup", "caller=stack:kernel_clone", "(:); :", "can't fork" },
		{ "ns_capable", "verbose=0", "hostname errpath", "hostname: .*not permitted" },
		{ "ns_capable=0", "verbose=0", "hostname errpath", "hostname: .*not permitted" },
		{ "alloc_empty_file=ERR_PTR(-EXDEV)", "verbose=0", "read x </proc/uptime",
		  "cross-device link" },
	};

	if (access("/sys/kernel/btf/vmlinux", F_OK))
		SKIP(return, "this kernel has no BTF");
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		RUN("run", runs[i].target, runs[i].knob, "--", "sh", "-c", runs[i].command);
		EXPECT_NE(0, self->r.status);
		EXPECT_OUT(runs[i].out);
		EXPECT_OUT("failed 1 of ");
	}
	/* 1 is true: what succeeds anyway. */
	RUN("run", "ns_capable=1", "--", "sh", "-c", "hostname $(hostname)");
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^errpath: ns_capable\\(\\) returns 1: failed 1 of ");
}

TEST_F(command, wrong_words)
{
	static const struct {
		const char * const words[MAX_WORDS];
		const char *line;
	} wrong[] = {
		{ { "errpath" }, "write a subcommand: errpath --help lists them" },
		{ { "errpath", "fail" }, "no subcommand fail: errpath --help lists them" },
		{ { "errpath", "status", "x" }, "status does not take x" },
		{ { "errpath", "status", "--yes" }, "status has no option --yes: " },
		{ { "errpath", "status", "--", "x" }, "status takes no command" },
		{ { "errpath", "off", "x" }, "off does not take x" },
		{ { "errpath", "points", "none" }, "no point none: errpath points lists them" },
		{ { "errpath", "points", "../errpath" }, "no point \\.\\./errpath: " },
		{ { "errpath", "run" }, "name a point or a function" },
		{ { "errpath", "run", "--", "true" }, "name a point or a function" },
		{ { "errpath", "run", "target" }, "write -- and a command: errpath run" },
		{ { "errpath", "run", "target", "true" }, "true is no KNOB=VALUE; write --" },
		{ { "errpath", "run", "target", "--" }, "write a command behind --" },
		{ { "errpath", "run", "target=NULL", "--", "true" },
		  "target is a point, which has its own value: leave out =NULL" },
		{ { "errpath", "run", "target", "nht=1", "--", "true" },
		  "target has no knob nht: errpath points target lists them" },
		{ { "errpath", "run", "target", "times=never", "--", "true" },
		  "times=never: target/times takes a number, -1: no limit" },
		{ { "errpath", "run", "target", "tasks=1", "--", "true" },
		  "leave out tasks=1: errpath run selects the tasks of the command" },
		{ { "errpath", "run", "register_kprobe=0", "--", "true" },
		  "register_kprobe: the kernel's tracers need it: name another function" },
		{ { "errpath", "sweep" }, "write -- and a command: errpath sweep" },
		{ { "errpath", "sweep", "nth=1", "--", "true" }, "leave out nth=1: a sweep" },
		{ { "errpath", "sweep", "delay-us=9", "--", "true" },
		  "leave out delay-us=9: a sweep fails calls; errpath run delays them" },
		{ { "errpath", "sweep", "min=9", "--", "true" }, "leave out min=9: a sweep fails" },
		{ { "errpath", "sweep", "--timeout=0", "--", "true" }, "write --timeout=SECONDS" },
		{ { "errpath", "sweep", "caller=stack:vfs_rmdir", "--", "true" },
		  "no allocation of true matches caller=stack:vfs_rmdir: nothing was failed" },
		{ { "errpath", "sweep", "--", "false" }, "false fails with nothing injected" },
		{ { "errpath", "sweep", "--", "no-such-command" }, "cannot run no-such" },
		{ { "errpath", "verdict" }, "write -- and a command: errpath verdict" },
		{ { "errpath", "verdict", "x=1", "--", "true" }, "verdict does not take x=1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		command_run(&self->r, wrong[i].words);
		EXPECT_EQ(COMMAND_FAILED, self->r.status) TH_LOG("row %zu", i);
		EXPECT_OUT(wrong[i].line);
		EXPECT_EQ(1, lines_of(self->r.out)) TH_LOG("%s", self->r.out);
	}
}

/* Writes a file and the directories above it. */
static int write_new_file(const char *path, const char *text)
{
	char directory[128];
	int fd;

	snprintf(directory, sizeof(directory), "%s", path);
	for (char *c = directory + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		if (mkdir(directory, 0700) && errno != EEXIST)
			return -errno;
		*c = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd))
		return -errno;
	return 0;
}

/*
 * Lets this task see a machine of which neither CPUID nor the firmware is known: an empty
 * directory hides what has DMI or the device tree.
 */
static int hide_machine(void)
{
	int err = write_new_file("/tmp/errpath-cpuinfo", "flags\t\t: fpu vme de\n");

	if (err)
		return err;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("/tmp/errpath-cpuinfo", "/proc/cpuinfo", NULL, MS_BIND, NULL) ||
	    mount("none", "/sys/class", "tmpfs", 0, NULL) ||
	    mount("none", "/sys/firmware", "tmpfs", 0, NULL))
		return -errno;
	return 0;
}

TEST_F(command, sweep_of_a_real_machine_needs_yes)
{
	ASSERT_EQ(0, hide_machine());
	RUN("sweep", "--", "false");
	EXPECT_EQ(COMMAND_FAILED, self->r.status);
	EXPECT_OUT("^errpath: no virtual machine: .* can crash it$");
	EXPECT_OUT("^errpath: to sweep on this machine, write --yes$");
	RUN("sweep", "--yes", "--", "false");
	EXPECT_EQ(COMMAND_FAILED, self->r.status);
	EXPECT_OUT("^errpath: no virtual machine: .* can crash it$");
	EXPECT_OUT("false fails with nothing injected");
}

/* CPUID is of x86 only: on others the firmware or the device tree tells. */
TEST_F(command, virtual_machines_are_recognised)
{
	static const struct {
		const char *file, *text;
		bool is_virtual;
	} machines[] = {
		{ "/sys/class/dmi/id/sys_vendor", "Dell Inc.\n", false },
		{ "/sys/class/dmi/id/sys_vendor", "QEMU\n", true },
		{ "/sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n", false },
		{ "/sys/class/dmi/id/product_name", "Virtual Machine\n", true },
		{ "/sys/firmware/devicetree/base/compatible", "raspberrypi,4-model-b", false },
		{ "/sys/firmware/devicetree/base/compatible", "linux,dummy-virt", true },
		{ "/sys/firmware/devicetree/base/hypervisor/compatible", "xen,xen", true },
	};

	ASSERT_EQ(0, hide_machine());
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		ASSERT_EQ(0, write_new_file(machines[i].file, machines[i].text));
		RUN("sweep", "--", "false");
		EXPECT_EQ(COMMAND_FAILED, self->r.status);
		EXPECT_EQ(!machines[i].is_virtual,
			  command_printed(self->r.out, "no virtual machine"))
			TH_LOG("%s has %s", machines[i].file, machines[i].text);
		EXPECT_EQ(0, unlink(machines[i].file));
	}
}

TEST_F(command, another_holder_of_the_guard_is_named)
{
	int guard = guard_open();
	char line[64];

	ASSERT_LE(0, guard);
	snprintf(line, sizeof(line), "^errpath: process %d holds .*/guard: wait for it", getpid());
	RUN("off");
	EXPECT_EQ(COMMAND_FAILED, self->r.status);
	EXPECT_OUT(line);

	/* As by a shell's exec 3<>guard, whose commands have the file open, too. */
	EXPECT_EQ(0, fcntl(guard, F_SETFD, 0));
	RUN("off");
	EXPECT_EQ(COMMAND_FAILED, self->r.status);
	EXPECT_OUT(line);
	close(guard);
}

TEST_F(command, off_disarms)
{
	ASSERT_EQ(0, point_add("vfs_rmdir", "vfs_rmdir", "-ENOSPC"));
	ASSERT_EQ(0, arm_times("target", -1));
	RUN("off");
	EXPECT_EQ(0, self->r.status);
	EXPECT_STREQ("", self->r.out);
}

TEST_F(command, status_and_points)
{
	int depth = 0;

	RUN("status", "--json");
	EXPECT_EQ(0, self->r.status);
	EXPECT_EQ(1, lines_of(self->r.out));
	EXPECT_OUT("^\\{\"points\":\\[\\{\"name\":\"alloc\",\"state\":\"off\",\"seen\":0,");
	EXPECT_OUT("\\[\\{\"name\":\"errpath_target:errpath_target\",\"by\":\"-\"\\}\\]");
	for (const char *c = self->r.out; *c; c++)
		depth += (*c == '{' || *c == '[') - (*c == '}' || *c == ']');
	EXPECT_EQ(0, depth);

	/* The number of functions that the kernel lacks is no function. */
	EXPECT_FALSE(command_printed(self->r.out, "\"\\+[0-9]"));

	RUN("status");
	EXPECT_OUT("^POINT +STATE +FUNCTION ");
	EXPECT_OUT("^ +\\+[0-9]+ +absent$");
	RUN("points");
	EXPECT_OUT("^target +errpath_target:errpath_target$");
	EXPECT_OUT("^folio_split +folio_get_anon_vma [a-z]");
	RUN("points", "target");
	EXPECT_OUT("^errno=-12$");
	EXPECT_OUT("^task-filter=Y$");
}

TEST_F(command, help)
{
	RUN("--help");
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^  errpath sweep ");
	RUN("run", "--help");
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^usage: errpath run ");
	RUN("--man");
	EXPECT_OUT("^\\.SH SYNOPSIS$");
}

/* Memory that the command adds and does not remove is not as before. */
TEST_F(command, verdict_sees_what_is_left)
{
	if (access(HOTPLUG "add", F_OK))
		SKIP(return, "errpath_hotplug.ko is not loaded");
	RUN("verdict", "--", "true");
	EXPECT_EQ(0, self->r.status);
	EXPECT_OUT("^errpath: every gauge is back");
	RUN("verdict", "--", "sh", "-c", "echo " MEMORY " 128M >" HOTPLUG "add");
	EXPECT_EQ(1, self->r.status);
	EXPECT_OUT("^errpath: not as before:$");
	EXPECT_OUT("^errpath:   /proc/iomem: \\+ ");
	EXPECT_EQ(0, file_write(HOTPLUG "remove", MEMORY " 128M"));
}

TEST_HARNESS_MAIN
