// SPDX-License-Identifier: GPL-2.0
/* The virtio-serial ports by which the guest reports to the host. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define LOG_END		"errpath: end of log"

static int ktap = -1, status = -1, counters = -1;	/* ports; -1: not open yet */
static int fifo = -1;

void ktap_print(const char *format, ...)
{
	va_list args;

	if (ktap < 0)
		return;
	va_start(args, format);
	vdprintf(ktap, format, args);
	va_end(args);
}

void status_print(int failed)
{
	if (status >= 0)
		dprintf(status, "%d\n", failed);
}

void __noreturn give_up(const char *why)
{
	dprintf(STDERR_FILENO, "errpath init: %s\n", why);
	ktap_print("Bail out! %s\n", why);
	dprintf(status, "hang\n");
	/*
	 * The host examines this guest and ends it. A time limit would be over at once if the clock
	 * of the guest counts instructions and all tasks sleep.
	 */
	while (status >= 0)
		pause();
	power_off();
}

int counters_fd(void)
{
	return fifo;
}

/* Open the virtio port of this name; return -1 if there is none (yet). */
static int find_port(const char *wanted)
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

int port_open(const char *name)
{
	double deadline = now() + 2 * GRACE;
	int fd;

	while ((fd = find_port(name)) < 0) {
		if (now() > deadline)
			die("no virtio port %s", name);
		usleep(10000);
	}
	return fd;
}

/* dprintf() seeks first, which /dev/kmsg refuses. */
void log_print(const char *format, ...)
{
	int fd = must(open("/dev/kmsg", O_WRONLY | O_CLOEXEC), "/dev/kmsg");
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	must(write(fd, text, strlen(text)), "/dev/kmsg");
	close(fd);
}

/* The log is copied as it grows, so that a guest that dies leaves most of it. */
static void __noreturn copy_log(int port)
{
	int log = must(open("/dev/kmsg", O_RDONLY | O_CLOEXEC), "/dev/kmsg");
	unsigned int level;
	unsigned long long usec;
	char record[8192] = "";	/* all pages now, none with the first long line */
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

pid_t log_copy_start(void)
{
	int port = port_open("errpath.kmsg");
	pid_t pid = must(fork(), "fork");

	if (!pid)
		copy_log(port);
	close(port);
	return pid;
}

void log_copy_finish(pid_t pid)
{
	double deadline = now() + GRACE;

	/* If the copying process died, the host misses this marker in the copy. */
	log_print("%s\n", LOG_END);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now() > deadline)
			die("the copy of the kernel log does not end");
		usleep(5000);
	}
}

/*
 * A virtio port can be opened only once, but several tasks of a test may report
 * counters: they write to a FIFO, whose content is passed on.
 */
void ports_open(void)
{
	status = port_open("errpath.status");
	ktap = port_open("errpath.ktap");
	counters = port_open("errpath.counters");
	must(mkfifo(COUNTERS, 0622), COUNTERS);
	fifo = must(open(COUNTERS, O_RDWR | O_NONBLOCK | O_CLOEXEC), COUNTERS);
}

void counters_pass_on(void)
{
	char data[4096];
	ssize_t length;

	while ((length = read(fifo, data, sizeof(data))) > 0)
		must(write(counters, data, length), "counters port");
}

static void output_line(struct output *out)
{
	ktap_print("# %.*s\n", (int)out->used, out->line);
	out->used = 0;
}

bool output_pass_on(struct output *out)
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
				output_line(out);
		}
	}
	return any;
}

void output_end(struct output *out)
{
	if (out->used)
		output_line(out);
}
