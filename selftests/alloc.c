// SPDX-License-Identifier: GPL-2.0
/* Every kind of allocation can be failed, once, and only the allocations that are selected. */
#include <fcntl.h>
#include <sys/epoll.h>

#include "lib/harness.h"

#include "lib/counters.h"
#include "lib/expect.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/stacks.h"

#define POINT "alloc"
#define DIR "/sys/kernel/debug/errpath_alloc/"
#define CALLER "stack:errpath_alloc:errpath_alloc_caller"
#define CHAIN "stack:errpath_alloc:do_chain"
#define LEVELS 5

/*
 * A function that allocates memory.
 *
 * @how: its name for errpath_alloc.ko
 * @kind: the kind of the functions of the point that are behind it, for the knob function
 * @contexts: where it can be called; the rest is NULL
 */
static const struct way {
	const char *how;
	const char *kind;
	const char *contexts[3];
} ways[] = {
	{ "kmalloc", "slab", { "task", "atomic", "irq" } },
	{ "kmalloc_size", "slab", { "task", "atomic", "irq" } },
	{ "kmalloc_node", "slab", { "task", "atomic", "irq" } },
	{ "kmalloc_large", "slab", { "task", "atomic", "irq" } },
	{ "kmalloc_large_size", "slab", { "task", "atomic", "irq" } },
	{ "kmemdup", "slab", { "task", "atomic", "irq" } },
	{ "krealloc", "slab", { "task", "atomic", "irq" } },
	{ "kmem_cache", "slab", { "task", "atomic", "irq" } },
	{ "kmem_cache_bulk", "slab", { "task" } },
	{ "page", "page", { "task", "atomic", "irq" } },
	{ "pages", "page", { "task", "atomic", "irq" } },
	{ "pages_exact", "page", { "task", "atomic", "irq" } },
	{ "percpu", "percpu", { "task", "atomic", "irq" } },
	{ "vmalloc", "vmalloc", { "task" } },
	{ "kvmalloc", "vmalloc", { "task" } },
};

/* Lets errpath_alloc.ko allocate. Returns 0 or -errno. */
static int allocate(const char *how, const char *context)
{
	char order[64];

	snprintf(order, sizeof(order), "%s %s", how, context);
	return file_write(DIR "alloc", order);
}

/* PREEMPT_RT allocates only in tasks. */
static bool is_refused(const char *how, const char *context)
{
	return allocate(how, context) == -EOPNOTSUPP;
}

/* An interrupt belongs to no task, so its calls cannot be selected by task. */
static int arm_in_context(const char *context, const char *nth)
{
	int err = knob_set(POINT, "tasks", "self");

	if (!err)
		err = knob_set(POINT, "task-filter", strcmp(context, "irq") ? "Y" : "N");
	return err ?: knob_set(POINT, "nth", "%s", nth);
}

FIXTURE(alloc)
{
	int guard;
};

FIXTURE_SETUP(alloc)
{
	const char *reason = point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	if (!module_loaded("errpath_alloc"))
		ASSERT_EQ(0, module_load("errpath_alloc", ""));
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, knob_set(POINT, "caller", CALLER));
}

FIXTURE_TEARDOWN_PARENT(alloc)
{
	EXPECT_STREQ("off", point_state(POINT));
	EXPECT_EQ(0, module_unload("errpath_alloc"));
}

/* Arms by probability with no failures left, so that setting nth later takes no time. */
static int stay_armed(void)
{
	int err = knob_set(POINT, "times", "0");

	return err ?: knob_set(POINT, "probability", "100");
}

/*
 * The first call fails, and a second call does not exist: functions that an allocator
 * calls itself are not counted.
 */
TEST_F_TIMEOUT(alloc, each_way_fails_once, 60)
{
	ASSERT_EQ(0, stay_armed());
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		for (int j = 0; j < 3 && ways[i].contexts[j]; j++) {
			const char *how = ways[i].how, *context = ways[i].contexts[j];
			struct stats a, b, c;

			if (is_refused(how, context))
				continue;

			/* Fail the first call. */
			ASSERT_EQ(0, stats_read(POINT, &a));
			ASSERT_EQ(0, arm_in_context(context, "1"));
			EXPECT_EQ(-ENOMEM, allocate(how, context))
				TH_LOG("%s in %s", how, context);
			ASSERT_EQ(0, stats_read(POINT, &b));
			EXPECT_EQ(1, b.matched - a.matched)
				TH_LOG("%s in %s", how, context);
			EXPECT_EQ(1, b.injected - a.injected);

			/* Arm for a second call, which must not come. */
			ASSERT_EQ(0, arm_in_context(context, "2"));
			EXPECT_EQ(0, allocate(how, context))
				TH_LOG("%s in %s", how, context);
			ASSERT_EQ(0, stats_read(POINT, &c));
			EXPECT_EQ(1, c.matched - b.matched)
				TH_LOG("%s in %s", how, context);
			EXPECT_EQ(0, c.injected - b.injected);
		}
	}
	ASSERT_EQ(0, disarm(POINT));
}

TEST_F(alloc, nofail_never_fails)
{
	ASSERT_EQ(0, arm_in_context("task", "1"));
	EXPECT_EQ(0, allocate("kmalloc_nofail", "task"));
	EXPECT_STATS(POINT, 0, 0);
	EXPECT_EQ(-ENOMEM, allocate("kmalloc", "task"));
	EXPECT_STATS(POINT, 1, 1);
}

TEST_F(alloc, task_filter_spares_interrupts)
{
	if (is_refused("kmalloc", "irq"))
		SKIP(return, "PREEMPT_RT allocates from tasks only");
	ASSERT_EQ(0, arm_in_context("task", "1"));
	EXPECT_EQ(0, allocate("kmalloc", "irq"));
	EXPECT_STATS(POINT, 0, 0);
	EXPECT_EQ(-ENOMEM, allocate("kmalloc", "atomic"));
	EXPECT_STATS(POINT, 1, 1);
}

/* The knob selects the second of two requests, and not the first. */
static const struct request {
	const char *knob;
	const char *value;
	const char *spared[2];		/* how and context of the request that succeeds */
	const char *failed[2];		/* and of the one that fails */
} requests[] = {
	{ "gfp-require", "__GFP_DIRECT_RECLAIM", { "kmalloc", "atomic" }, { "kmalloc", "task" } },
	{ "gfp-reject", "__GFP_DIRECT_RECLAIM", { "kmalloc", "task" }, { "kmalloc", "atomic" } },
	{ "gfp-require", "GFP_KERNEL", { "page", "atomic" }, { "page", "task" } },
	{ "gfp-require", "GFP_KERNEL", { "percpu", "atomic" }, { "percpu", "task" } },
	{ "gfp-require", "GFP_KERNEL", { "kmalloc_node", "atomic" }, { "kmalloc_node", "task" } },
	{ "gfp-require", "GFP_KERNEL", { "kmemdup", "atomic" }, { "kmemdup", "task" } },
	{ "gfp-require", "GFP_KERNEL", { "kmalloc_size", "atomic" }, { "kvmalloc", "task" } },
	{ "min-order", "3", { "page", "task" }, { "pages", "task" } },
	{ "max-order", "2", { "pages", "task" }, { "page", "task" } },
	{ "min-size", "4096", { "kmalloc", "task" }, { "page", "task" } },
	{ "min-size", "4096", { "kmem_cache", "task" }, { "kmalloc_large", "task" } },
	{ "max-size", "192", { "vmalloc", "task" }, { "kmem_cache", "task" } },
	{ "max-size", "192", { "kvmalloc", "task" }, { "kmalloc_size", "task" } },
	{ "max-size", "192", { "kmalloc_large", "task" }, { "percpu", "task" } },
	{ "max-size", "100", { "kmalloc_node", "task" }, { "kmemdup", "task" } },
	{ "min-size", "700", { "kmem_cache", "task" }, { "kmem_cache_bulk", "task" } },
	{ "cache", "errpath_alloc", { "kmalloc", "task" }, { "kmem_cache", "task" } },
	{ "cache", "errpath_alloc", { "page", "task" }, { "kmem_cache_bulk", "task" } },
	{ "cache", "kmalloc-192", { "kmem_cache", "task" }, { "kmalloc", "task" } },
};

TEST_F_TIMEOUT(alloc, requests_are_told_apart, 60)
{
	ASSERT_EQ(0, stay_armed());
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		const struct request *r = &requests[i];
		const char *value = strcmp(r->value, "kmalloc-192") ? r->value :
				    counters_slab_of_192();
		char before[32];

		if (!point_has_knob(POINT, r->knob) ||
		    is_refused(r->spared[0], r->spared[1]) ||
		    is_refused(r->failed[0], r->failed[1]))
			continue;
		ASSERT_EQ(0, knob_get(POINT, r->knob, before, sizeof(before)));
		ASSERT_EQ(0, knob_set(POINT, r->knob, "%s", value));
		ASSERT_EQ(0, arm_in_context("task", "1"));
		EXPECT_EQ(0, allocate(r->spared[0], r->spared[1]))
			TH_LOG("%s=%s, %s in %s", r->knob, r->value,
			       r->spared[0], r->spared[1]);
		EXPECT_EQ(-ENOMEM, allocate(r->failed[0], r->failed[1]))
			TH_LOG("%s=%s, %s in %s", r->knob, r->value,
			       r->failed[0], r->failed[1]);
		ASSERT_EQ(0, knob_set(POINT, r->knob, "%s", before));
	}
	ASSERT_EQ(0, disarm(POINT));
}

/* Watches a pipe, which takes an object of eventpoll_epi. Returns 0 or -errno. */
static int watch_something(int epoll)
{
	struct epoll_event event = { .events = EPOLLIN };
	int ends[2], err;

	if (pipe(ends))
		return -errno;
	err = epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) ? -errno : 0;
	close(ends[0]);
	close(ends[1]);
	return err;
}

/* The name of a merged cache is a link, in sysfs, to the cache that it was merged with. */
TEST_F(alloc, cache_is_found_by_each_of_its_names)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	char target[256] = "";

	if (!point_has_knob(POINT, "cache"))
		SKIP(return, "this kernel does not show slab caches in sysfs");
	ASSERT_EQ(0, knob_set(POINT, "caller", " "));
	ASSERT_EQ(0, knob_set(POINT, "cache", "eventpoll_epi"));
	ASSERT_EQ(0, arm_in_context("task", "1"));
	EXPECT_EQ(-ENOMEM, watch_something(epoll));
	EXPECT_STATS(POINT, 1, 1);

	/* Choose the same cache by the name of the link's target. */
	if (readlink("/sys/kernel/slab/eventpoll_epi", target, sizeof(target) - 1) > 0) {
		ASSERT_EQ(0, knob_set(POINT, "cache", "%s", target));
		ASSERT_EQ(0, arm_in_context("task", "1"));
		EXPECT_EQ(-ENOMEM, watch_something(epoll));
	}

	/* No objects of another cache, and without a name of all. */
	ASSERT_EQ(0, knob_set(POINT, "cache", "errpath_alloc"));
	ASSERT_EQ(0, arm_in_context("task", "1"));
	EXPECT_EQ(0, watch_something(epoll));
	ASSERT_EQ(0, knob_set(POINT, "cache", " "));
	EXPECT_NE(0, watch_something(epoll));
	ASSERT_EQ(0, disarm(POINT));
	close(epoll);
}

/* Where an allocator returns an error and no pointer, errno is that error. */
TEST_F(alloc, errno_of_what_returns_an_error)
{
	if (file_write(DIR "range", "go") == -EOPNOTSUPP)
		SKIP(return, "this kernel cannot allocate a range of pages");
	ASSERT_EQ(0, knob_set(POINT, "caller", "stack:errpath_alloc:do_range"));
	ASSERT_EQ(0, knob_set(POINT, "function", "page"));
	ASSERT_EQ(0, arm_in_context("task", "2"));
	EXPECT_EQ(-ENOMEM, file_write(DIR "range", "go"));
	ASSERT_EQ(0, knob_set(POINT, "errno", "-4"));
	ASSERT_EQ(0, arm_in_context("task", "2"));
	EXPECT_EQ(-EINTR, file_write(DIR "range", "go"));
	EXPECT_EQ(0, file_write(DIR "range", "go"));

	/* A function that returns a pointer returns NULL. */
	ASSERT_EQ(0, arm_in_context("task", "1"));
	EXPECT_EQ(-ENOMEM, file_write(DIR "range", "go"));
	ASSERT_EQ(0, disarm(POINT));
}

TEST_F_TIMEOUT(alloc, kinds_are_chosen_by_a_word, 60)
{
	static const char * const kinds[] = { "page", "slab", "percpu", "vmalloc" };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		ASSERT_EQ(0, knob_set(POINT, "function", "%s", kinds[k]));
		ASSERT_EQ(0, stay_armed());
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
			/* Other allocators call the page allocator for large or many pages. */
			if (!strcmp(kinds[k], "page") && strcmp(ways[i].kind, "page"))
				continue;
			/* kvmalloc() tries the slab allocator first, and does not need it. */
			if (!strcmp(ways[i].how, "kvmalloc") && strcmp(kinds[k], "vmalloc"))
				continue;
			if (!strcmp(ways[i].how, "vmalloc") && strcmp(kinds[k], "vmalloc"))
				continue;
			ASSERT_EQ(0, arm_in_context("task", "1"));
			EXPECT_EQ(strcmp(kinds[k], ways[i].kind) ? 0 : -ENOMEM,
				  allocate(ways[i].how, "task"))
				TH_LOG("%s with %s", ways[i].how, kinds[k]);
		}
		ASSERT_EQ(0, disarm(POINT));
	}
}

TEST_F(alloc, nothing_fails_below_skip)
{
	ASSERT_EQ(0, knob_set(POINT, "skip", "errpath_alloc:errpath_alloc_caller"));
	ASSERT_EQ(0, arm_in_context("task", "1"));
	EXPECT_EQ(0, allocate("kmalloc", "task"));
	EXPECT_STATS(POINT, 0, 0);
	ASSERT_EQ(0, knob_set(POINT, "skip", " "));
	EXPECT_EQ(-ENOMEM, allocate("kmalloc", "task"));
	EXPECT_STATS(POINT, 1, 1);
}

/* A task whose allocations all fail must be able to disarm the point. */
TEST_F(alloc, failing_task_can_disarm)
{
	int fd = open(ERRPATH "/" POINT "/probability", O_WRONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knob_set(POINT, "tasks", "self"));
	ASSERT_EQ(0, knob_set(POINT, "times", "-1"));
	ASSERT_EQ(3, write(fd, "100", 3));
	EXPECT_EQ(-ENOMEM, allocate("kmalloc", "task"));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(1, write(fd, "0", 1));
	close(fd);
	EXPECT_EQ(0, allocate("kmalloc", "task"));
}

/* As for failslab, space is in bytes: five objects of 192 bytes fit in 1000. */
TEST_F(alloc, space_is_in_bytes)
{
	ASSERT_EQ(0, knob_set(POINT, "space", "1000"));
	ASSERT_EQ(0, knob_set(POINT, "tasks", "self"));
	ASSERT_EQ(0, knob_set(POINT, "probability", "100"));
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(0, allocate("kmem_cache", "task"));
	EXPECT_EQ(-ENOMEM, allocate("kmem_cache", "task"));
	EXPECT_STATS(POINT, 6, 1);
	ASSERT_EQ(0, disarm(POINT));
}

/* Debug objects, which most kernels do not have, switch themselves off without memory. */
static int spare_debug_objects(void)
{
	int err = knob_set(POINT, "skip", "kmem_alloc_batch");

	return err == -EINVAL ? 0 : err;
}

/* Fails all allocations of this task. Returns 0 or -errno. */
static int arm_everything(void)
{
	static const char * const values[][2] = {
		{ "caller", " " },
		{ "times", "-1" },
		{ "tasks", "self" },
		{ "probability", "100" },
	};
	int err = spare_debug_objects();

	for (size_t i = 0; i < ARRAY_SIZE(values) && !err; i++)
		err = knob_set(POINT, values[i][0], "%s", values[i][1]);
	return err;
}

/*
 * Nothing can read the path while it is on a page that this task has not touched: a constant of a
 * program can be on such a page, but not what a shell opens.
 */
static int write_zero(const char *constant)
{
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s", constant);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, "0", 1);
	close(fd);
	return n == 1 ? 0 : -EIO;
}

/*
 * Forks a child whose allocations all fail. It opens the knob by @path, relative to
 * @directory, and disarms the point. Returns 0, or what went wrong.
 */
static int disarm_in_child(const char *directory, const char *path)
{
	int status, err;
	pid_t pid = fork();

	if (!pid) {
		err = chdir(directory) ?: arm_everything();
		if (err)
			_exit(2);
		/* Opening any other file must fail. */
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
			_exit(3);
		_exit(!!write_zero(path));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

TEST_F(alloc, failing_task_can_open_the_knobs)
{
	EXPECT_EQ(0, disarm_in_child("/", ERRPATH "/" POINT "/probability"));
	EXPECT_STREQ("off", point_state(POINT));
	EXPECT_EQ(0, disarm_in_child(ERRPATH "/" POINT, "probability"));
	EXPECT_STREQ("off", point_state(POINT));
	EXPECT_EQ(0, disarm_in_child(ERRPATH, POINT "/probability"));
	EXPECT_STREQ("off", point_state(POINT));
	/* This works only for knobs of errpath. */
	EXPECT_NE(0, disarm_in_child("/sys/kernel/debug", "errpath_alloc/alloc"));
	ASSERT_EQ(0, disarm(POINT));
}

/* A point that fails all allocations of all tasks must stop doing so after some time. */
TEST_F(alloc, failing_everything_expires)
{
	ASSERT_EQ(0, spare_debug_objects());
	ASSERT_EQ(0, knob_set(POINT, "caller", " "));
	ASSERT_EQ(0, knob_set(POINT, "seconds", "1"));
	ASSERT_EQ(0, knob_set(POINT, "task-filter", "N"));
	ASSERT_EQ(0, knob_set(POINT, "times", "-1"));
	ASSERT_EQ(0, knob_set(POINT, "probability", "100"));
	/* Wait without allocating. Then it must be possible to start a shell. */
	sleep(2);
	EXPECT_EQ(0, system("echo 0 >" ERRPATH "/" POINT "/probability"));
	EXPECT_STREQ("off", point_state(POINT));

	/* The same for all calls behind the n-th, and of this task only. */
	ASSERT_EQ(0, knob_set(POINT, "task-filter", "Y"));
	ASSERT_EQ(0, knob_set(POINT, "tasks", "self"));
	ASSERT_EQ(0, knob_set(POINT, "nth", "1"));
	sleep(2);
	EXPECT_EQ(0, system("echo 0 >" ERRPATH "/" POINT "/nth"));
	EXPECT_STREQ("off", point_state(POINT));
	EXPECT_EQ(0, allocate("kmalloc", "task"));
}

/* A point with a limit of any kind must stay armed. */
TEST_F(alloc, what_is_limited_does_not_expire)
{
	static const char * const limits[][2] = {
		{ "times", "1000000" },
		{ "caller", CALLER },
		{ "seconds", "0" },
		{ "probability", "99" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		close(self->guard);
		self->guard = guard_open();
		ASSERT_LE(0, self->guard);
		ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
		ASSERT_EQ(0, knob_set(POINT, "seconds", "1"));
		ASSERT_EQ(0, knob_set(POINT, "tasks", "1"));
		ASSERT_EQ(0, knob_set(POINT, "times", "-1"));
		ASSERT_EQ(0, knob_set(POINT, limits[i][0], "%s", limits[i][1]));
		if (strcmp(limits[i][0], "probability"))
			ASSERT_EQ(0, knob_set(POINT, "probability", "100"));
		usleep(1500000);
		EXPECT_STREQ("armed", point_state(POINT)) TH_LOG("%s", limits[i][0]);
	}
	ASSERT_EQ(0, disarm(POINT));
}

TEST_F(alloc, wrong_input)
{
	static const char * const bad[][2] = {
		{ "skip", "no_such_function" },
		{ "gfp-require", "GFP_NONSENSE" },
		{ "gfp-require", "" },
		{ "gfp-reject", "0x100000000" },
		{ "min-order", "65" },
		{ "max-size", "-1" },
		{ "cache", "no_such_cache" },
		{ "cache", "kmalloc-192/objects" },
		{ "cache", ".." },
		{ "stacks", "maybe" },
		{ "targets", "x" },
		{ "targets", "0" },
		{ "targets", "1:0" },
		{ "targets", "1:x" },
		{ "function", "pages" },
	};
	char before[4096], after[4096];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (!point_has_knob(POINT, bad[i][0]))
			continue;
		ASSERT_EQ(0, knob_get(POINT, bad[i][0], before, sizeof(before)));
		EXPECT_EQ(-EINVAL, knob_set(POINT, bad[i][0], "%s", bad[i][1]))
			TH_LOG("%s=%s", bad[i][0], bad[i][1]);
		ASSERT_EQ(0, knob_get(POINT, bad[i][0], after, sizeof(after)));
		EXPECT_STREQ(before, after);
	}
}

/* Five functions call each other, and each allocates: five stacks, which can be selected. */
FIXTURE(chain)
{
	int guard;
	struct stacks stacks;
};

FIXTURE_SETUP(chain)
{
	const char *reason = point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	ASSERT_EQ(0, knob_set(POINT, "caller", CHAIN));
	ASSERT_EQ(0, knob_set(POINT, "stacks", "Y"));
	ASSERT_EQ(0, knob_set(POINT, "tasks", "self"));
	ASSERT_EQ(0, stay_armed());
	ASSERT_EQ(0, file_write(DIR "chain", "go"));
	ASSERT_EQ(0, file_write(DIR "chain", "go"));
	ASSERT_EQ(0, stacks_read(POINT, &self->stacks));
}

FIXTURE_TEARDOWN_PARENT(chain)
{
	EXPECT_STREQ("off", point_state(POINT));
	EXPECT_EQ(0, module_unload("errpath_alloc"));
}

TEST_F(chain, stacks_are_distinct)
{
	char name[64];

	ASSERT_EQ(LEVELS, self->stacks.nr);
	for (int i = 0; i < LEVELS; i++) {
		const struct stack *s = &self->stacks.at[i];

		EXPECT_EQ(2, s->seen);
		EXPECT_EQ(0, s->injected);
		EXPECT_STREQ("GFP_KERNEL,192", s->request);
		snprintf(name, sizeof(name), "errpath_alloc_chain%d+", i + 1);
		EXPECT_EQ(0, strncmp(name, s->frames, strlen(name)))
			TH_LOG("%s", s->frames);
	}
}

/* A module that is gone has no names, and one that is loaded again can have other addresses. */
TEST_F(chain, names_outlive_their_module)
{
	struct stacks after;

	ASSERT_EQ(LEVELS, self->stacks.nr);
	ASSERT_EQ(0, module_unload("errpath_alloc"));
	ASSERT_EQ(0, stacks_read(POINT, &after));
	ASSERT_EQ(LEVELS, after.nr);
	for (int i = 0; i < LEVELS; i++)
		EXPECT_STREQ(self->stacks.at[i].frames, after.at[i].frames);

	/* The same stacks once more. */
	ASSERT_EQ(0, module_load("errpath_alloc", ""));
	EXPECT_EQ(0, file_write(DIR "chain", "go"));
	ASSERT_EQ(0, stacks_read(POINT, &after));
	EXPECT_EQ(LEVELS, after.nr);
	for (int i = 0; i < LEVELS; i++)
		EXPECT_EQ(3, after.at[i].seen);
}

TEST_F(chain, targets_fail_alone)
{
	struct stacks after;

	ASSERT_EQ(LEVELS, self->stacks.nr);
	ASSERT_EQ(0, knob_set(POINT, "times", "-1"));

	/* Fail one stack after the other, each only once. */
	for (int i = 0; i < LEVELS; i++) {
		ASSERT_EQ(0, knob_set(POINT, "targets", "%s", self->stacks.at[i].id));
		EXPECT_EQ(-ENOMEM, file_write(DIR "chain", "go"));
		EXPECT_EQ(0, file_write(DIR "chain", "go"));
		ASSERT_EQ(0, stacks_read(POINT, &after));
		EXPECT_EQ(LEVELS, after.nr);
		for (int j = 0; j < LEVELS; j++)
			EXPECT_EQ(j <= i, after.at[j].injected);
	}
	EXPECT_STATS(POINT, LEVELS + 2 * LEVELS, LEVELS);
}

TEST_F(chain, targets_count_occurrences)
{
	ASSERT_EQ(LEVELS, self->stacks.nr);
	ASSERT_EQ(0, knob_set(POINT, "times", "-1"));
	ASSERT_EQ(0, knob_set(POINT, "targets", "%s:2 %s:4", self->stacks.at[2].id,
			      self->stacks.at[2].id));
	EXPECT_EQ(0, file_write(DIR "chain", "go"));
	EXPECT_EQ(-ENOMEM, file_write(DIR "chain", "go"));
	EXPECT_EQ(0, file_write(DIR "chain", "go"));
	EXPECT_EQ(-ENOMEM, file_write(DIR "chain", "go"));
	EXPECT_EQ(0, file_write(DIR "chain", "go"));
}

/* The third of five calls fails, and after it each first call of a run. */
TEST_F(chain, persistent_target_fails_all_after_it)
{
	struct stats before, after;

	ASSERT_EQ(LEVELS, self->stacks.nr);
	ASSERT_EQ(0, stats_read(POINT, &before));
	ASSERT_EQ(0, knob_set(POINT, "times", "-1"));
	ASSERT_EQ(0, knob_set(POINT, "targets", "%s:2+", self->stacks.at[2].id));
	EXPECT_EQ(0, file_write(DIR "chain", "go"));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(-ENOMEM, file_write(DIR "chain", "go"));
	ASSERT_EQ(0, stats_read(POINT, &after));
	EXPECT_EQ(3, after.injected - before.injected);
	EXPECT_EQ(3, after.matched - before.matched);

	/* Other targets end that. */
	ASSERT_EQ(0, knob_set(POINT, "targets", "ffffffff"));
	EXPECT_EQ(0, file_write(DIR "chain", "go"));
}

TEST_HARNESS_MAIN
