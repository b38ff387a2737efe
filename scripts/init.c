// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the guest: loads the modules, runs the selftests one by one, each with
 * a time limit, and reports over virtio-serial ports, so that nothing a kernel
 * prints on the console can hide or fake a result:
 *   errpath.ktap      results; a program's own lines are prefixed with "# "
 *   errpath.kmsg      the kernel log, as it grows
 *   errpath.counters  what tests write to /run/errpath/counters
 *   errpath.status    0 or 1, once, when all is over
 * Every way out of here powers the guest off. The kernel command line passes
 * ERRPATH_LINE (name of the kernel line) and ERRPATH_SHELL=1 (a prompt instead of
 * the selftests) as environment.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNTERS	"/run/errpath/counters"
#define LOG_END		"errpath: end of log"
#define DEFAULT_LIMIT	45	/* seconds, as kselftest's */
#define GRACE		5	/* seconds for what should take none */

enum { PASS = 0, XFAIL = 2, SKIP = 4 };	/* kselftest's exit codes */

/* Until the ports are open, -1: then the console is all there is. */
static int ktap = -1, status = -1, counters = -1;
static int counters_fifo = -1;
static int results, failures;

/* Endings. */

static void __attribute__((noreturn)) power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);	/* qemu -no-reboot ends on this, too */
	for (;;)
		pause();
}

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...)
{
	char why[512];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);

	dprintf(STDERR_FILENO, "errpath init: %s\n", why);
	if (ktap >= 0)
		dprintf(ktap, "Bail out! %s\n", why);
	if (status >= 0)
		dprintf(status, "1\n");
	power_off();
}

static int must(int value, const char *what)
{
	if (value < 0)
		die("%s: %s", what, strerror(errno));
	return value;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Results, as KTAP. */

static void __attribute__((format(printf, 3, 4)))
report(bool ok, const char *name, const char *directive, ...)
{
	char text[256];
	va_list args;

	va_start(args, directive);
	vsnprintf(text, sizeof(text), directive, args);
	va_end(args);

	failures += !ok;
	dprintf(ktap, "%sok %d %s%s\n", ok ? "" : "not ", ++results, name, text);
}

/* Mounts. */

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
	must(mkdir("/run/errpath", 0755), "/run/errpath");
}

/* Modules. */

/* Parameters on the kernel command line, NAME.PARAMETER=VALUE, as modprobe has it. */
static void module_parameters(const char *name, char *params, size_t size)
{
	char cmdline[4096] = "", *word, *rest = cmdline;
	size_t length = strlen(name);
	FILE *file = fopen("/proc/cmdline", "re");

	if (!file || !fgets(cmdline, sizeof(cmdline), file))
		die("/proc/cmdline: %s", strerror(errno));
	fclose(file);

	*params = '\0';
	while ((word = strsep(&rest, "\n ")) != NULL) {
		if (strncmp(word, name, length) || word[length] != '.')
			continue;
		strncat(params, word + length + 1, size - strlen(params) - 2);
		strcat(params, " ");
	}
}

static int load_module(const char *path)
{
	char name[128], params[4096];
	int fd, ret;

	snprintf(name, sizeof(name), "%s", strrchr(path, '/') + 1);
	name[strcspn(name, ".")] = '\0';
	module_parameters(name, params, sizeof(params));

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, params, 0);
	close(fd);
	return ret;
}

/* Why the last module was not loaded. */
static const char *refusal(void)
{
	return errno == ENOEXEC ? "the kernel's image is not of the build that its headers are of"
				: strerror(errno);
}

/* Call ACTION for each line of the file LIST, with its words before and after a blank. */
static void each_line(const char *list, void (*action)(const char *, const char *))
{
	char line[256];
	FILE *file = fopen(list, "re");

	if (!file)
		die("%s: %s", list, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		char *rest = line, *word;

		line[strcspn(line, "\n")] = '\0';
		word = strsep(&rest, " ");
		if (*word)
			action(word, rest ? rest : "");
	}
	fclose(file);
}

/* What the guest itself needs: without it there is no way to report. */
static void load_own(const char *path, const char *unused)
{
	(void)unused;
	if (load_module(path))
		die("%s: %s", path, refusal());
}

/* What is to be tested: refusing to load is a result. */
static void load_tested(const char *path, const char *unused)
{
	char name[128];
	int ret = load_module(path);

	(void)unused;
	snprintf(name, sizeof(name), "load %s", strrchr(path, '/') + 1);
	if (ret)
		report(false, name, " # %s", refusal());
	else
		report(true, name, "%s", "");
}

/* Ports. */

/* Opens the virtio port of this name; -1 when there is none (yet). */
static int open_port(const char *wanted)
{
	char path[300], name[64] = "";
	struct dirent *entry;
	int fd = -1;
	DIR *dir = opendir("/sys/class/virtio-ports");

	while (dir && fd < 0 && (entry = readdir(dir)) != NULL) {
		FILE *file;

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%63s", name) == 1 && !strcmp(name, wanted)) {
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			fd = open(path, O_WRONLY | O_CLOEXEC);
		}
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return fd;
}

static int wait_for_port(const char *name)
{
	double deadline = now() + 2 * GRACE;
	int fd;

	while ((fd = open_port(name)) < 0) {
		if (now() > deadline)
			die("no virtio port %s", name);
		usleep(10000);
	}
	return fd;
}

/* Not by dprintf(), which seeks first, and /dev/kmsg refuses that. */
static void log_marker(const char *format, const char *argument)
{
	int fd = must(open("/dev/kmsg", O_WRONLY | O_CLOEXEC), "/dev/kmsg");
	char text[256];

	snprintf(text, sizeof(text), format, argument);
	must(write(fd, text, strlen(text)), "/dev/kmsg");
	close(fd);
}

/* The kernel log goes out as it grows, so that a guest that dies leaves most of it. */
static void __attribute__((noreturn)) copy_log(int port)
{
	int log = must(open("/dev/kmsg", O_RDONLY | O_CLOEXEC), "/dev/kmsg");
	unsigned int level;
	unsigned long long usec;
	char record[8192];
	ssize_t length;
	int text;

	for (;;) {
		length = read(log, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE) {
			dprintf(port, "<3>[?] errpath: kernel log lost records\n");
			continue;
		}
		if (length <= 0)
			_exit(1);
		record[length] = '\0';
		if (sscanf(record, "%u,%*u,%llu,%*[^;];%n", &level, &usec, &text) < 2)
			continue;
		record[text + strcspn(record + text, "\n")] = '\0';
		dprintf(port, "<%u>[%5llu.%06llu] %s\n", level, usec / 1000000, usec % 1000000,
			record + text);
		if (!strcmp(record + text, LOG_END))
			_exit(0);
	}
}

static pid_t start_log_copy(void)
{
	int port = wait_for_port("errpath.kmsg");
	pid_t pid = must(fork(), "fork");

	if (!pid)
		copy_log(port);
	close(port);
	return pid;
}

static void finish_log_copy(pid_t pid)
{
	double deadline = now() + GRACE;

	/* Should it have died before: the host misses this marker in the copy. */
	log_marker("%s\n", LOG_END);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now() > deadline)
			die("the kernel log's copy does not end");
		usleep(5000);
	}
}

/*
 * A virtio port can be open only once, but several tasks of a test may report
 * counters: they write to a FIFO, which is passed on from here.
 */
static void open_ports(void)
{
	status = wait_for_port("errpath.status");
	ktap = wait_for_port("errpath.ktap");
	counters = wait_for_port("errpath.counters");
	must(mkfifo(COUNTERS, 0622), COUNTERS);
	counters_fifo = must(open(COUNTERS, O_RDWR | O_NONBLOCK | O_CLOEXEC), COUNTERS);
}

static void pass_on_counters(void)
{
	char data[4096];
	ssize_t length;

	while ((length = read(counters_fifo, data, sizeof(data))) > 0)
		must(write(counters, data, length), "counters port");
}

/* A program's output: whole lines, each behind "# ". */

struct output {
	int fd;
	char line[1024];
	size_t used;
};

static void end_line(struct output *out)
{
	dprintf(ktap, "# %.*s\n", (int)out->used, out->line);
	out->used = 0;
}

/* True if there was any. */
static bool pass_on_output(struct output *out)
{
	char data[4096];
	ssize_t length, i;
	bool any = false;

	while ((length = read(out->fd, data, sizeof(data))) > 0) {
		any = true;
		for (i = 0; i < length; i++) {
			if (data[i] != '\n')
				out->line[out->used++] = data[i];
			if (data[i] == '\n' || out->used == sizeof(out->line))
				end_line(out);
		}
	}
	return any;
}

/* Programs. */

static void __attribute__((noreturn)) exec_program(const char *name, int output)
{
	char path[160];

	setsid();
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	if (chdir("/selftests"))
		_exit(126);
	snprintf(path, sizeof(path), "./%s", name);
	execl(path, path, NULL);
	printf("%s: %s\n", path, strerror(errno));
	fflush(stdout);
	_exit(127);
}

/*
 * Passes on what the program says until it ends. At the time limit its whole
 * process group is killed; one that outlives even that leaves no guest to go on in.
 */
static bool watch(pid_t pid, struct output *out, double limit)
{
	double deadline = now() + limit;
	bool killed = false;
	struct pollfd fds[] = {
		{ .fd = must(syscall(SYS_pidfd_open, pid, 0), "pidfd_open"), .events = POLLIN },
		{ .fd = out->fd, .events = POLLIN },
		{ .fd = counters_fifo, .events = POLLIN },
	};

	while (!(fds[0].revents & POLLIN)) {
		double left = deadline - now();

		if (left <= 0 && killed)
			die("the program at its time limit cannot be killed");
		if (left <= 0) {
			kill(-pid, SIGKILL);
			killed = true;
			deadline = now() + GRACE;
			continue;
		}
		if (fds[1].revents & POLLHUP)
			fds[1].fd = -1;	/* closed by all that had it: nothing more to come */
		poll(fds, 3, left * 1000 + 1);
		pass_on_output(out);
		pass_on_counters();
	}
	close(fds[0].fd);
	return killed;
}

static void report_program(const char *name, int code, bool killed, int limit)
{
	if (killed)
		report(false, name, " # TIMEOUT %d seconds", limit);
	else if (WIFSIGNALED(code))
		report(false, name, " # killed by signal %d", WTERMSIG(code));
	else if (WEXITSTATUS(code) == PASS)
		report(true, name, "%s", "");
	else if (WEXITSTATUS(code) == SKIP)
		report(true, name, " # SKIP");
	else if (WEXITSTATUS(code) == XFAIL)
		report(true, name, " # XFAIL");
	else
		report(false, name, " # exit=%d", WEXITSTATUS(code));
}

static void run_program(const char *name, const char *seconds)
{
	int limit = *seconds ? atoi(seconds) : DEFAULT_LIMIT;
	struct output out = { 0 };
	int pipes[2], code;
	bool killed;
	pid_t pid;

	log_marker("errpath: test %s\n", name);
	dprintf(ktap, "## begin %s\n", name);	/* no program's line starts with "##" */

	must(pipe2(pipes, O_CLOEXEC), "pipe");
	pid = must(fork(), "fork");
	if (!pid)
		exec_program(name, pipes[1]);
	close(pipes[1]);
	out.fd = pipes[0];
	fcntl(out.fd, F_SETFL, O_NONBLOCK);

	killed = watch(pid, &out, limit);
	kill(-pid, SIGKILL);	/* what it left behind */
	must(waitpid(pid, &code, 0), "waitpid");
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	pass_on_output(&out);
	if (out.used)
		end_line(&out);
	pass_on_counters();
	close(out.fd);
	report_program(name, code, killed, limit);
}

/* The kernel's own search for leaks. */

#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define KMEMLEAK_AGE	6	/* seconds: five, from which on it believes an object leaked */

/* True if there is kmemleak, and it runs: kmemleak=off leaves the file, and refuses. */
static bool write_kmemleak(const char *command)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);
	ssize_t written;

	if (fd < 0)
		return false;
	written = write(fd, command, strlen(command));
	if (written < 0 && errno != EPERM)
		die("%s: %s", KMEMLEAK, strerror(errno));
	close(fd);
	return written >= 0;
}

/* What was there before the tests is not theirs. */
static void forget_leaks(void)
{
	if (!write_kmemleak("scan=off"))	/* but when we say so */
		return;
	write_kmemleak("scan");
	write_kmemleak("clear");
}

/* Twice: an object that was moved behind the scan's back is found by the next. */
static void report_leaks(void)
{
	struct output out = { 0 };
	bool any;

	if (!write_kmemleak("scan=off"))
		return;
	log_marker("errpath: test %s\n", "kmemleak");
	dprintf(ktap, "## begin kmemleak\n");
	sleep(KMEMLEAK_AGE);
	write_kmemleak("scan");
	write_kmemleak("scan");
	out.fd = must(open(KMEMLEAK, O_RDONLY | O_CLOEXEC), KMEMLEAK);
	any = pass_on_output(&out);
	close(out.fd);
	report(!any, "kmemleak", "%s", any ? " # leaked objects" : "");
}

static void run_selftests(void)
{
	pid_t log;

	open_ports();
	dprintf(ktap, "KTAP version 1\n");
	log = start_log_copy();
	each_line("/modules/load", load_tested);
	forget_leaks();
	each_line("/selftests/kselftest-list.txt", run_program);
	report_leaks();
	dprintf(ktap, "1..%d\n", results);
	finish_log_copy(log);
	dprintf(status, "%d\n", failures ? 1 : 0);
}

/* The prompt. */

/* The console itself cannot be a controlling terminal; the device behind it can. */
static int open_terminal(void)
{
	char name[64] = "", path[80];
	FILE *file = fopen("/sys/class/tty/console/active", "re");

	if (!file || fscanf(file, "%63s", name) != 1)
		die("no active console");
	fclose(file);
	snprintf(path, sizeof(path), "/dev/%s", name);
	return must(open(path, O_RDWR | O_NOCTTY | O_CLOEXEC), path);
}

static void set_size(int terminal)
{
	const char *lines = getenv("LINES"), *columns = getenv("COLUMNS");
	struct winsize size = {
		.ws_row = lines ? atoi(lines) : 24,
		.ws_col = columns ? atoi(columns) : 80,
	};

	ioctl(terminal, TIOCSWINSZ, &size);
}

static void __attribute__((noreturn)) exec_shell(void)
{
	int terminal = open_terminal();

	setsid();
	must(ioctl(terminal, TIOCSCTTY, 1), "controlling terminal");
	set_size(terminal);
	dup2(terminal, STDIN_FILENO);
	dup2(terminal, STDOUT_FILENO);
	dup2(terminal, STDERR_FILENO);
	execl("/bin/sh", "sh", NULL);
	_exit(127);
}

static void load_for_shell(const char *path, const char *unused)
{
	(void)unused;
	if (load_module(path))
		printf("%s does not load: %s\n", path, strerror(errno));
}

/* QEMU's isa-debug-exit: ends QEMU with this status, times two and plus one. */
static void __attribute__((noreturn)) exit_qemu(int status)
{
	enum { PORT = 0xf4 };

	sync();
	if (ioperm(PORT, 1, 1))
		die("no I/O ports");
	outb(status, PORT);
	die("no isa-debug-exit");
}

/* What the user gave instead of a prompt. */
static void run_command(void)
{
	int status;

	each_line("/modules/load", load_for_shell);
	must(chdir("/selftests"), "/selftests");
	status = system("/bin/sh /command </dev/null");
	if (status)
		exit_qemu(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void run_shell(void)
{
	struct utsname kernel;
	pid_t pid;

	uname(&kernel);
	each_line("/modules/load", load_for_shell);
	printf("\nLinux %s: knobs in /sys/kernel/debug/errpath, tests in /selftests\n",
	       kernel.release);
	printf("exit powers the guest off, Ctrl-A X ends it at once\n");
	fflush(stdout);
	must(chdir("/selftests"), "/selftests");
	setenv("PS1", "errpath \\w # ", 1);
	pid = must(fork(), "fork");
	if (!pid)
		exec_shell();
	while (wait(NULL) != pid)
		;
}

int main(void)
{
	if (getpid() != 1) {
		fprintf(stderr, "errpath init: I am for PID 1 of the guest\n");
		return 1;
	}
	mount_all();
	setenv("PATH", "/bin", 1);
	setenv("ERRPATH_MODULES", "/modules", 1);
	setenv("ERRPATH_COUNTERS", COUNTERS, 1);
	each_line("/lib/modules/load", load_own);
	if (!access("/command", F_OK))
		run_command();
	else if (getenv("ERRPATH_SHELL"))
		run_shell();
	else
		run_selftests();
	power_off();
}
