// SPDX-License-Identifier: GPL-2.0
/* What the workers do. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "lib/knobs.h"
#include "lib/target.h"
#include "fuzzing.h"

#define GOOD_FUNCTIONS 4	/* of those that points are added for */
#define DEBUGFS "/sys/kernel/debug/"
/*
 * Fills @path with an entry of the directory @directory that is a directory itself, or a file.
 * Returns false if there is none.
 */
static bool entry_choose(struct random *r, const char *directory, int type, char *path, size_t size)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int nr = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_type != type || entry->d_name[0] == '.')
			continue;
		nr++;
		if (random_once_in(r, nr))
			snprintf(path, size, "%s/%s", directory, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return nr;
}

static bool knob_choose(struct random *r, char *path, size_t size)
{
	char point[300];

	return entry_choose(r, ERRPATH, DT_DIR, point, sizeof(point)) &&
	       entry_choose(r, point, DT_REG, path, size);
}

static bool file_write_bytes(const char *path, off_t offset, const char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	if (offset)
		lseek(fd, offset, SEEK_SET);
	good = write(fd, bytes, size) >= 0;
	close(fd);
	return good;
}

static bool write_knob(struct random *r, const struct shared *shared)
{
	static char value[6000];
	char path[600];
	size_t size;

	if (!knob_choose(r, path, sizeof(path)))
		return false;
	size = knob_value(r, shared, strrchr(path, '/') + 1, value, sizeof(value));
	return file_write_bytes(path, random_once_in(r, 32) ? random_below(r, 5000) : 0, value,
				size);
}

/* Names this worker, and arms a point. */
static bool arm(struct random *r, const struct shared *shared)
{
	char point[300], path[400], value[32];

	(void)shared;
	if (!entry_choose(r, ERRPATH, DT_DIR, point, sizeof(point)))
		return false;
	snprintf(path, sizeof(path), "%s/tasks", point);
	file_write_bytes(path, 0, "self", 4);
	snprintf(path, sizeof(path), "%s/times", point);
	snprintf(value, sizeof(value), "%ld", (long)random_below(r, 20) - 1);
	file_write_bytes(path, 0, value, strlen(value));
	snprintf(path, sizeof(path), "%s/%s", point, random_once_in(r, 2) ? "nth" : "probability");
	snprintf(value, sizeof(value), "%lu", 1 + random_below(r, 100));
	return file_write_bytes(path, 0, value, strlen(value));
}

static bool disarm_point(struct random *r, const struct shared *shared)
{
	char point[300], path[400];
	bool good;

	(void)shared;
	if (!entry_choose(r, ERRPATH, DT_DIR, point, sizeof(point)))
		return false;
	snprintf(path, sizeof(path), "%s/probability", point);
	good = file_write_bytes(path, 0, "0", 1);
	snprintf(path, sizeof(path), "%s/nth", point);
	return file_write_bytes(path, 0, "0", 1) && good;
}

/* Reads a file of errpath in parts of a random size, from a random place. */
static bool read_any(struct random *r, const struct shared *shared)
{
	char path[600], buf[700];
	ssize_t n;
	int fd;

	(void)shared;
	if (random_once_in(r, 4) ? !entry_choose(r, ERRPATH, DT_REG, path, sizeof(path)) :
				   !knob_choose(r, path, sizeof(path)))
		return false;
	if (strstr(path, "/guard"))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (random_once_in(r, 4))
		lseek(fd, random_below(r, 9000), SEEK_SET);
	do {
		n = read(fd, buf, 1 + random_below(r, sizeof(buf)));
	} while (n > 0 && !random_once_in(r, 8));
	close(fd);
	return n >= 0;
}

/* Functions that a point may have, and some that it may not. The returned values fit the types. */
static bool add_or_remove_point(struct random *r, const struct shared *shared)
{
	static const char * const functions[] = {
		"vfs_rmdir -EIO", "vfs_mkdir -ENOSPC", "vfs_fsync_range -EIO", "vfs_statfs -ENOSYS",
		"vfs_statfs,vfs_fsync_range -EINTR", "errpath_target:errpath_target -11",
		"nosuch:nosuch -EIO", "nosuchfunction -EIO", "do_exit -EIO", "vfs_rmdir",
		"vfs_rmdir -", "vfs_rmdir EIO", "vfs_rmdir 2", "vfs_rmdir -5000", "-EIO", "",
		"vfs_rmdir,,vfs_rmdir -EIO", "vfs_rmdir -EIO more", "vfs_rmdir\0-EIO",
	};
	static const char * const points[] = { "one", "two", "alloc", "a/b", "..", "", "three" };
	static const char * const good[] = { "one", "two", "three" };
	const char *point = random_word(r, points, ARRAY_SIZE(points));
	char line[200];

	(void)shared;
	/* Something that is accepted, if no other worker has done it already. */
	if (random_once_in(r, 2))
		snprintf(line, sizeof(line), "%s %s", good[random_below(r, ARRAY_SIZE(good))],
			 functions[random_below(r, GOOD_FUNCTIONS)]);
	else if (random_once_in(r, 3))
		snprintf(line, sizeof(line), "-%s", point);
	else
		snprintf(line, sizeof(line), "%s %s", point,
			 random_word(r, functions, ARRAY_SIZE(functions)));
	return file_write_bytes(ERRPATH "/functions", 0, line, strlen(line));
}

static bool hold_guard(struct random *r, const struct shared *shared)
{
	int fd = open(ERRPATH "/guard", O_RDWR | O_CLOEXEC);

	(void)shared;
	if (fd < 0)
		return false;
	usleep(random_below(r, 5000));
	close(fd);
	return true;
}

/* Files of the stimulus modules; not "hang", whose orders never return. */
static bool order_stimulus(struct random *r, const struct shared *shared)
{
	static const struct {
		const char *file, *order;
	} right[] = {
		{ "errpath_target/call", "3 traced task" },
		{ "errpath_target/call", "20 notrace irq" },
		{ "errpath_alloc/alloc", "kmalloc task" },
		{ "errpath_alloc/alloc", "percpu" },
		{ "errpath_alloc/loop", "10 kmalloc" },
		{ "errpath_alloc/chain", "go" },
		{ "errpath_scope/call", "10 traced above random" },
	};
	static const char * const files[] = {
		"errpath_target/call", "errpath_alloc/alloc", "errpath_alloc/loop",
		"errpath_alloc/chain", "errpath_scope/call", "errpath_scope/go",
		"errpath_migrate/migrate", "errpath_migrate/evict",
	};
	static char value[6000];
	const int i = random_below(r, ARRAY_SIZE(right));
	char path[100];

	(void)shared;
	if (random_once_in(r, 2)) {
		snprintf(path, sizeof(path), DEBUGFS "%s", right[i].file);
		return file_write_bytes(path, 0, right[i].order, strlen(right[i].order));
	}
	snprintf(path, sizeof(path), DEBUGFS "%s", random_word(r, files, ARRAY_SIZE(files)));
	return file_write_bytes(path, 0, value, order_value(r, value, sizeof(value)));
}

static bool call_target(struct random *r, const struct shared *shared)
{
	static const char * const contexts[] = { "task", "atomic", "softirq", "irq", "loop" };
	struct target_calls calls;

	(void)shared;
	return !target_call(1 + random_below(r, 300), random_once_in(r, 2) ? "traced" : "notrace",
			    random_word(r, contexts, ARRAY_SIZE(contexts)), &calls);
}

/* What a user's program does: it may fail, but must not harm the kernel. */
static bool use_files(struct random *r, const struct shared *shared)
{
	char path[64];
	bool good;

	(void)shared;
	snprintf(path, sizeof(path), "/tmp/fuzz-%lu", random_below(r, 100));
	good = !mkdir(path, 0700);
	return !rmdir(path) && good;
}

static bool use_memory(struct random *r, const struct shared *shared)
{
	size_t size = (1 + random_below(r, 4)) << 20;
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool good;

	(void)shared;
	if (mem == MAP_FAILED)
		return false;
	/* Not by touching it: a fault that fails kills the worker. */
	good = !madvise(mem, size, MADV_POPULATE_WRITE);
	madvise(mem, size / 2, MADV_DONTNEED);
	munmap(mem, size);
	return good;
}

static bool use_tasks(struct random *r, const struct shared *shared)
{
	pid_t pid = fork();

	(void)r;
	(void)shared;
	if (!pid)
		_exit(0);
	return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

const struct action actions[] = {
	{ "write_knob", write_knob },
	{ "arm", arm },
	{ "disarm", disarm_point },
	{ "read_any", read_any },
	{ "add_or_remove_point", add_or_remove_point },
	{ "hold_guard", hold_guard },
	{ "order_stimulus", order_stimulus },
	{ "call_target", call_target },
	{ "use_files", use_files },
	{ "use_memory", use_memory },
	{ "use_tasks", use_tasks },
};

const int nr_actions = ARRAY_SIZE(actions);
