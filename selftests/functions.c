// SPDX-License-Identifier: GPL-2.0
/*
 * Points that the file functions adds at run time: each works like any other point, a wrong line
 * adds nothing and says why, and none outlives the guard or the module. Functions chosen at
 * random can be intercepted and released, whatever they are.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/harness.h"

#include "lib/expect.h"
#include "lib/file.h"
#include "lib/kmsg.h"
#include "lib/knobs.h"
#include "lib/module.h"

#define FUNCTIONS ERRPATH "/functions"
#define TRACING "/sys/kernel/tracing/"
#define NAME "added"
#define DIRECTORY "/tmp/errpath-functions"
#define MAX 16			/* points, and functions of a point */

/* The default is as many as a run of CI has time for; ERRPATH_FUNCTIONS and ERRPATH_SEED. */
#define RANDOM_FUNCTIONS 12

FIXTURE(functions)
{
	int guard;
	int log;
};

FIXTURE_SETUP(functions)
{
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->log = kmsg_open();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN_PARENT(functions)
{
	EXPECT_STREQ("unknown", point_state(NAME));
	if (module_loaded("errpath_alloc"))
		EXPECT_EQ(0, module_unload("errpath_alloc"));
}

/* Makes and removes a directory. Returns what rmdir() returns, or its -errno. */
static long make_and_remove(void)
{
	long ret;

	mkdir("/tmp", 0777);
	mkdir(DIRECTORY, 0700);
	ret = syscall(SYS_unlinkat, AT_FDCWD, DIRECTORY, AT_REMOVEDIR);
	return ret < 0 ? -errno : ret;
}

/* Returns 0 if a child could be made, or -errno. */
static long make_child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return 0;
}

static long set_host_name(void)
{
	char name[256];

	if (gethostname(name, sizeof(name)))
		return -errno;
	return sethostname(name, strlen(name)) ? -errno : 0;
}

/* As a user who may not: the kernel asks ns_capable(). */
static long set_host_name_without_rights(void)
{
	long ret;

	if (seteuid(65534))
		return -errno;
	ret = set_host_name();
	return seteuid(0) ? -errno : ret;
}

static bool functions_list(const char *text)
{
	char list[4096];

	return file_read(FUNCTIONS, list, sizeof(list)) >= 0 && !strcmp(list, text);
}

/* Each kind of value must reach the caller, for this task only, and the point must go again. */
TEST_F(functions, value_reaches_the_caller)
{
	static const struct {
		const char *function, *returns;
		long (*call)(void);
		long expected, otherwise;
	} calls[] = {
		{ "vfs_rmdir", "-ENOSPC", make_and_remove, -ENOSPC, 0 },
		{ "vfs_rmdir", "-5", make_and_remove, -EIO, 0 },
		{ "vfs_rmdir", "1", make_and_remove, 1, 0 },
		{ "vfs_rmdir", "0", make_and_remove, 0, 0 },
		{ "vm_area_dup", "NULL", make_child, -ENOMEM, 0 },
		{ "ns_capable", "false", set_host_name, -EPERM, 0 },
		{ "ns_capable", "0", set_host_name, -EPERM, 0 },
		{ "ns_capable", "true", set_host_name_without_rights, 0, -EPERM },
		{ "ns_capable", "1", set_host_name_without_rights, 0, -EPERM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		char line[256];

		/* Add the point: it is listed, has its knobs, and is not armed. */
		snprintf(line, sizeof(line), NAME " %s %s\n", calls[i].function,
			 calls[i].returns);
		ASSERT_EQ(0, point_add(NAME, calls[i].function, calls[i].returns));
		EXPECT_TRUE(functions_list(line));
		EXPECT_STREQ("off", point_state(NAME));
		EXPECT_EQ(calls[i].returns[0] == '-', !access(ERRPATH "/" NAME "/errno", F_OK));
		EXPECT_EQ(calls[i].otherwise, calls[i].call());

		/* Fail the first call of this task. */
		ASSERT_EQ(0, arm_nth(NAME, 1));
		EXPECT_STREQ("armed", point_state(NAME));
		EXPECT_EQ(calls[i].expected, calls[i].call())
			TH_LOG("%s %s", calls[i].function, calls[i].returns);
		EXPECT_STREQ("spent", point_state(NAME));
		EXPECT_EQ(calls[i].otherwise, calls[i].call());
		ASSERT_EQ(0, disarm(NAME));

		/* Remove it. */
		ASSERT_EQ(0, point_remove(NAME));
		EXPECT_TRUE(functions_list(""));
		EXPECT_STREQ("unknown", point_state(NAME));
		EXPECT_EQ(-1, access(ERRPATH "/" NAME, F_OK));
		EXPECT_EQ(calls[i].otherwise, calls[i].call());
	}
}

/* What exists in each directory of debugfs exists in that of a point that is added. */
TEST_F(functions, has_every_knob)
{
	DIR *knobs = opendir(ERRPATH "/target");
	struct dirent *entry;
	int nr = 0;

	ASSERT_NE(NULL, knobs);
	ASSERT_EQ(0, point_add(NAME, "vfs_rmdir", "-ENOSPC"));
	while ((entry = readdir(knobs))) {
		if (entry->d_name[0] == '.')
			continue;
		EXPECT_TRUE(point_has_knob(NAME, entry->d_name)) TH_LOG("%s", entry->d_name);
		nr++;
	}
	closedir(knobs);
	EXPECT_LT(20, nr);
	ASSERT_EQ(0, point_remove(NAME));
}

/* Several functions, and the knobs that a point of several functions has. */
TEST_F(functions, several_functions)
{
	struct stats s;

	ASSERT_EQ(0, point_add(NAME, "vfs_rmdir,vfs_unlink", "-ENOSPC"));
	ASSERT_EQ(0, knob_set(NAME, "function", "vfs_unlink"));
	ASSERT_EQ(0, knob_set(NAME, "errno", "-%d", EROFS));
	ASSERT_EQ(0, arm_times(NAME, -1));
	EXPECT_EQ(0, make_and_remove());
	ASSERT_EQ(0, file_write("/proc/self/comm", "functions"));
	close(open(DIRECTORY, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	EXPECT_EQ(-1, unlink(DIRECTORY));
	EXPECT_EQ(EROFS, errno);
	ASSERT_EQ(0, stats_read(NAME, &s));
	EXPECT_EQ(1, s.injected);
	ASSERT_EQ(0, disarm(NAME));
	EXPECT_EQ(0, unlink(DIRECTORY));
	ASSERT_EQ(0, point_remove(NAME));
}

/* An armed point is removed, too, and a file of it that is open is of no use any more. */
TEST_F(functions, armed_point_is_removed)
{
	char text[8];
	int fd;

	ASSERT_EQ(0, point_add(NAME, "vfs_rmdir", "-ENOSPC"));
	ASSERT_EQ(0, arm_times(NAME, -1));
	EXPECT_EQ(-ENOSPC, make_and_remove());
	fd = open(ERRPATH "/" NAME "/times", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, point_remove(NAME));
	EXPECT_EQ(0, make_and_remove());
	EXPECT_EQ(-1, read(fd, text, sizeof(text)));
	EXPECT_EQ(-1, write(fd, "1", 1));
	close(fd);
}

TEST_F(functions, guard_removes_all)
{
	ASSERT_EQ(0, point_add(NAME, "vfs_rmdir", "-ENOSPC"));
	ASSERT_EQ(0, point_add("added2", "vfs_unlink", "-ENOSPC"));
	ASSERT_EQ(0, arm_times(NAME, -1));
	EXPECT_EQ(-ENOSPC, make_and_remove());
	close(self->guard);
	EXPECT_EQ(0, make_and_remove());
	EXPECT_TRUE(functions_list(""));
	EXPECT_STREQ("unknown", point_state("added2"));
}

TEST_F(functions, unload_removes_all)
{
	close(self->guard);
	ASSERT_EQ(0, point_add(NAME, "vfs_rmdir", "-ENOSPC"));
	ASSERT_EQ(0, arm_times(NAME, -1));
	EXPECT_EQ(-ENOSPC, make_and_remove());
	ASSERT_EQ(0, module_unload("errpath"));
	EXPECT_EQ(0, make_and_remove());
	ASSERT_EQ(0, module_load("errpath", ""));
	EXPECT_STREQ("unknown", point_state(NAME));
}

/* A function of a module comes and goes with it. */
TEST_F(functions, waits_for_its_module)
{
	static const char allocate[] = "/sys/kernel/debug/errpath_alloc/alloc";

	if (module_loaded("errpath_alloc"))
		ASSERT_EQ(0, module_unload("errpath_alloc"));
	ASSERT_EQ(0, point_add(NAME, "errpath_alloc:by_kmalloc", "false"));
	EXPECT_STREQ("waiting", point_state(NAME));
	ASSERT_EQ(0, arm_times(NAME, -1));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, module_load("errpath_alloc", ""));
		EXPECT_STREQ("armed", point_state(NAME));
		EXPECT_EQ(-ENOMEM, file_write(allocate, "kmalloc task"));
		ASSERT_EQ(0, module_unload("errpath_alloc"));
		EXPECT_STREQ("pending", point_state(NAME));
	}
	ASSERT_EQ(0, point_remove(NAME));
}

static bool log_has(int log, const char *regexp)
{
	return kmsg_count(log, regexp) > 0;
}

/* Each wrong line is refused with a reason, and adds nothing. */
TEST_F(functions, refusals)
{
	static const char words[] = "functions: write NAME FUNCTION";
	static const struct {
		const char *line;
		int err;
		const char *why;
	} wrong[] = {
		{ "", EINVAL, words },
		{ "\n", EINVAL, words },
		{ "x", EINVAL, words },
		{ "x vfs_unlink", EINVAL, words },
		{ "x vfs_unlink 0 0", EINVAL, words },
		{ "a/b vfs_unlink 0", EINVAL, "functions: a/b: a name has letters" },
		{ ".. vfs_unlink 0", EINVAL, "functions: \\.\\.: a name begins with" },
		{ "a2345678901234567890123456789012 vfs_unlink 0", EINVAL,
		  "a name has at most 31 characters" },
		{ "alloc vfs_unlink 0", EEXIST, "functions: alloc exists" },
		{ "guard vfs_unlink 0", EEXIST, "functions: guard exists" },
		{ NAME " vfs_unlink 0", EEXIST, "functions: " NAME " exists" },
		{ "x vfs_unlink never", EINVAL, "functions: never: RETURN is NULL" },
		{ "x vfs_unlink 2", EINVAL, "functions: 2: RETURN is NULL" },
		{ "x vfs_unlink -ENONE", EINVAL, "functions: -ENONE: RETURN is NULL" },
		{ "x vfs_unlink -4096", EINVAL, "functions: -4096: RETURN is NULL" },
		{ "x vfs_unlink,vfs_unlink 0", EINVAL, "vfs_unlink: name a function only once" },
		{ "x vfs_rmdir 0", EBUSY, "vfs_rmdir is a function of the point " NAME },
		{ "x errpath_target:errpath_target 0", EBUSY,
		  "errpath_target is a function of the point target" },
		{ "x no_such_function 0", ENOENT, "no_such_function: this kernel has no such" },
		{ "x vfs_unlink,no_such_function 0", ENOENT, "no_such_function: this kernel has" },
		{ "x errpath:no_such_function 0", ENOENT, "no_such_function: this kernel has" },
		{ "x ,vfs_unlink 0", ENOENT, ": this kernel has no such function" },
		{ "x do_exit 0", EPERM, "do_exit: it never returns" },
		{ "x vfs_unlink,panic 0", EPERM, "panic: it never returns" },
		{ "x text_poke_bp 0", EPERM, "text_poke_bp: the kernel's tracers need it" },
		{ "x register_kprobe 0", EPERM, "register_kprobe: the kernel's tracers need it" },
		{ "x mutex_lock 0", EPERM, "mutex_lock: errpath needs it" },
		{ "x stack_trace_save 0", EPERM, "stack_trace_save: errpath needs it" },
		{ "x errpath:knob_write 0", EPERM, "knob_write: it is errpath's own" },
		{ "x knob_write 0", EPERM, "knob_write: it is errpath's own" },
		{ "x exc_page_fault 0", EPERM, "exc_page_fault: neither ftrace nor a breakpoint" },
		{ "x errpath_target_caller 0", EINVAL, "it is in a module: write MODULE:NAME" },
		{ "-x", ENOENT, "functions: x is no point that was added here" },
		{ "-alloc", ENOENT, "functions: alloc is no point that was added here" },
		{ "-", ENOENT, "functions:  is no point that was added here" },
	};
	static const char list[] = NAME " vfs_rmdir -ENOSPC\n";

	ASSERT_EQ(0, point_add(NAME, "vfs_rmdir", "-ENOSPC"));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int fd = open(FUNCTIONS, O_WRONLY | O_CLOEXEC);

		ASSERT_LE(0, fd);
		EXPECT_EQ(-1, write(fd, wrong[i].line, strlen(wrong[i].line) + !*wrong[i].line))
			TH_LOG("\"%s\"", wrong[i].line);
		EXPECT_EQ(wrong[i].err, errno) TH_LOG("\"%s\"", wrong[i].line);
		EXPECT_TRUE(log_has(self->log, wrong[i].why)) TH_LOG("\"%s\"", wrong[i].line);
		EXPECT_TRUE(functions_list(list)) TH_LOG("\"%s\"", wrong[i].line);
		close(fd);
	}
	EXPECT_STREQ("unknown", point_state("x"));
	ASSERT_EQ(0, point_remove(NAME));
}

/* Many functions have this name: each file that registers a driver or a file system has one. */
TEST_F(functions, shared_name_is_refused)
{
	EXPECT_EQ(-ENOTUNIQ, point_add(NAME, "m_start", "NULL"));
	EXPECT_TRUE(log_has(self->log, "m_start: several functions have this name"));
}

/* Sixteen points, and sixteen functions of one point. */
TEST_F(functions, number_is_bounded)
{
	char name[32], list[1024] = "";

	for (int i = 0; i <= MAX; i++) {
		snprintf(name, sizeof(name), "later:function%d", i);
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			 i ? "," : "", name);
	}
	EXPECT_EQ(-E2BIG, point_add(NAME, list, "0"));
	EXPECT_TRUE(log_has(self->log, NAME ": a point has at most 16 functions"));
	*strrchr(list, ',') = '\0';
	EXPECT_EQ(0, point_add(NAME, list, "0"));
	EXPECT_EQ(0, point_remove(NAME));

	for (int i = 0; i <= MAX; i++) {
		char point[32];

		snprintf(point, sizeof(point), "added%d", i);
		snprintf(name, sizeof(name), "later:function%d", i);
		EXPECT_EQ(i < MAX ? 0 : -ENOSPC, point_add(point, name, "0"));
	}
	EXPECT_TRUE(log_has(self->log, "16 points were added: remove one"));
}

/*
 * Each function that is intercepted needs one of the module's 128 early_return functions: a point
 * that is removed gives them back.
 */
TEST_F_TIMEOUT(functions, early_returns_are_given_back, 60)
{
	static const char * const names[MAX] = {
		"vfs_rmdir", "vfs_unlink", "vfs_mkdir", "vfs_rename", "vfs_link", "vfs_symlink",
		"vfs_mknod", "vfs_create", "vfs_fallocate", "vfs_llseek", "vfs_truncate",
		"vfs_fsync", "vfs_getattr", "vfs_statfs", "vfs_get_link", "vfs_iter_read",
	};
	char list[512] = "";

	for (int i = 0; i < MAX; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? "," : "",
			 names[i]);
	for (int i = 0; i < 128 / MAX + 1; i++) {
		ASSERT_EQ(0, point_add(NAME, list, "0"));
		ASSERT_EQ(0, knob_set(NAME, "probability", "100"));
		EXPECT_STREQ("nobody", point_state(NAME));
		EXPECT_EQ(0, make_and_remove());
		ASSERT_EQ(0, point_remove(NAME));
	}
}

/* A line of a list is "FUNCTION" or "FUNCTION [MODULE]". Writes MODULE:NAME or NAME. */
static void list_name(const char *line, char *name, size_t size)
{
	char function[256], module[64];

	int n = sscanf(line, "%255s [%63[^]]]", function, module);

	if (n == 2)
		snprintf(name, size, "%s:%s", module, function);
	else
		snprintf(name, size, "%s", n == 1 ? function : "");
}

struct list {
	char *text;
	char **line;
	size_t nr;
};

#define MAX_LINES 200000

static int list_read(struct list *t, const char *path)
{
	const size_t size = 16 << 20;
	char *line, *save;
	long len;

	t->text = malloc(size);
	t->line = calloc(MAX_LINES, sizeof(*t->line));
	if (!t->text || !t->line)
		return -ENOMEM;
	len = file_read(path, t->text, size);
	if (len < 0)
		return len;
	for (line = strtok_r(t->text, "\n", &save); line && t->nr < MAX_LINES;
	     line = strtok_r(NULL, "\n", &save))
		t->line[t->nr++] = line;
	return t->nr ? 0 : -ENOENT;
}

static long random_seed;

/* FNV-1a. */
static unsigned long line_hash(const char *line)
{
	unsigned long hash = 0xcbf29ce484222325 ^ random_seed;

	for (; *line; line++)
		hash = (hash ^ (unsigned char)*line) * 0x100000001b3;
	return hash ^ hash >> 32;
}

static int compare_lines(const void *a, const void *b)
{
	const char *one = *(char * const *)a, *other = *(char * const *)b;
	unsigned long hash = line_hash(one), other_hash = line_hash(other);

	if (hash != other_hash)
		return hash < other_hash ? -1 : 1;
	return strcmp(one, other);
}

/*
 * Sorts a list by a hash of the seed and the line, and removes duplicates. A line that another run
 * has in addition changes the place of no other line: the seed chooses nearly the same functions
 * although no trace is like the one before.
 */
static void list_shuffle(struct list *t)
{
	size_t nr = 0;

	qsort(t->line, t->nr, sizeof(*t->line), compare_lines);
	for (size_t i = 0; i < t->nr; i++) {
		if (!nr || strcmp(t->line[nr - 1], t->line[i]))
			t->line[nr++] = t->line[i];
	}
	t->nr = nr;
}

/* Things that call many functions of the kernel. */
static void work(void)
{
	char text[64];

	make_and_remove();
	make_child();
	file_read("/proc/self/stat", text, sizeof(text));
	file_write("/proc/self/comm", "functions");
	usleep(1000);
}

/* The functions that work() calls, from a trace: "TASK [CPU] FLAGS TIME: FUNCTION <-CALLER". */
static int list_called(struct list *t)
{
	char pid[16];
	size_t nr = 0;
	int err;

	snprintf(pid, sizeof(pid), "%d", getpid());
	err = file_write(TRACING "set_ftrace_pid", pid) ?:
	      file_write(TRACING "current_tracer", "function");
	if (err)
		return err;
	work();
	file_write(TRACING "tracing_on", "0");
	err = list_read(t, TRACING "trace");
	file_write(TRACING "current_tracer", "nop");
	file_write(TRACING "set_ftrace_pid", " ");
	file_write(TRACING "tracing_on", "1");
	for (size_t i = 0; i < t->nr; i++) {
		char *arrow = strstr(t->line[i], " <-");

		if (!arrow)
			continue;
		*arrow = '\0';
		t->line[nr++] = strrchr(t->line[i], ' ') + 1;
	}
	t->nr = nr;
	return err ?: nr ? 0 : -ENOENT;
}

static long number_of(const char *variable, long otherwise)
{
	const char *text = getenv(variable);

	return text ? atol(text) : otherwise;
}

#define NAME_SIZE 320		/* MODULE:NAME */

struct tried {
	char (*name)[NAME_SIZE];
	size_t nr;
	long armed, hit, refused;
};

static bool was_tried(const struct tried *tried, const char *name)
{
	for (size_t i = 0; i < tried->nr; i++) {
		if (!strcmp(tried->name[i], name))
			return true;
	}
	return false;
}

/* Takes the next line of a list whose function was not tried. Returns false if there is none. */
static bool choose_function(struct list *t, const struct tried *tried, char *name, size_t size)
{
	while (t->nr) {
		list_name(t->line[--t->nr], name, size);
		if (*name && !was_tried(tried, name))
			return true;
	}
	return false;
}

/* Intercepts a function, with no task named, and releases it. Returns 0 or -errno. */
static int try_function(const char *function, struct tried *tried)
{
	struct stats s = { 0 };
	int err = point_add(NAME, function, "0");

	snprintf(tried->name[tried->nr++], NAME_SIZE, "%s", function);
	/* EINVAL: a trace does not name the module of a function. */
	if (err == -EPERM || err == -ENOTUNIQ || err == -EBUSY || err == -ENOENT ||
	    err == -EINVAL) {
		tried->refused++;
		return 0;
	}
	if (err)
		return err;
	err = knob_set(NAME, "probability", "100");
	if (!err && strcmp(point_state(NAME), "nobody"))
		err = -EPROTO;
	work();
	if (!err)
		err = stats_read(NAME, &s);
	if (!err && (s.injected || s.matched))
		err = -ERANGE;
	if (!err) {
		tried->armed++;
		tried->hit += s.seen > 0;
	}
	return point_remove(NAME) ?: err;
}

static size_t count_distinct(const struct tried *tried)
{
	size_t nr = 0;

	for (size_t i = 0; i < tried->nr; i++) {
		const struct tried before = { .name = tried->name, .nr = i };

		nr += !was_tried(&before, tried->name[i]);
	}
	return nr;
}

/*
 * An armed point that names no task counts the calls of the function and changes none. Whatever
 * the function is, the kernel must go on, and the early_return functions must suffice for more
 * points than there are of them.
 */
TEST_F_TIMEOUT(functions, random_functions, 900)
{
	long wanted = number_of("ERRPATH_FUNCTIONS", RANDOM_FUNCTIONS);
	struct list all = {}, called = {};
	struct tried tried = {};
	char name[NAME_SIZE];

	random_seed = number_of("ERRPATH_SEED", time(NULL) & 0xffffff);
	ASSERT_LT(0, wanted);
	ASSERT_EQ(0, list_read(&all, TRACING "available_filter_functions"));
	ASSERT_EQ(0, list_called(&called));
	list_shuffle(&all);
	list_shuffle(&called);
	printf("# ERRPATH_SEED=%ld ERRPATH_FUNCTIONS=%ld of %zu, of which %zu are called\n",
	       random_seed, wanted, all.nr, called.nr);
	tried.name = calloc(11 * wanted, NAME_SIZE);
	ASSERT_NE(NULL, tried.name);

	/* Every second one is a function that is called. */
	while (tried.armed < wanted && tried.refused < 10 * wanted) {
		struct list *list = tried.armed & 1 ? &called : &all;

		ASSERT_TRUE(choose_function(list, &tried, name, sizeof(name)));
		ASSERT_EQ(0, try_function(name, &tried)) TH_LOG("%s", name);
	}
	printf("# %ld functions were armed, %ld of them called, %ld refused\n", tried.armed,
	       tried.hit, tried.refused);
	EXPECT_EQ(wanted, tried.armed);
	EXPECT_LE(wanted / 3, tried.hit);
	EXPECT_EQ(tried.nr, count_distinct(&tried));
	EXPECT_EQ(0, make_and_remove());
}

TEST_HARNESS_MAIN
