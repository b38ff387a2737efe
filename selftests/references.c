// SPDX-License-Identifier: GPL-2.0
/*
 * What lives on only because somebody holds a reference is seen: each kind of it is held on
 * purpose, by a single reference of this program to something of a process that is gone.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"

#include "lib/cgroup.h"
#include "lib/counters.h"
#include "lib/knobs.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#define GROUP "references"
#define SOME_USER 54321

/* A process, and the descriptor that it opens for its parent. */
struct process {
	pid_t pid;
	int fd;		/* of the process; -1: none */
	int ready[2];
};

/* Starts a process that runs @begin, and then sleeps. @begin returns a descriptor or -1. */
static int process_start(struct process *p, int (*begin)(void))
{
	if (pipe2(p->ready, O_CLOEXEC))
		return -errno;
	p->pid = fork();
	if (p->pid < 0)
		return -errno;
	if (!p->pid) {
		p->fd = begin ? begin() : -1;
		if (write(p->ready[1], &p->fd, sizeof(p->fd)) != sizeof(p->fd))
			_exit(1);
		for (;;)
			pause();
	}
	close(p->ready[1]);
	return read(p->ready[0], &p->fd, sizeof(p->fd)) == sizeof(p->fd) ? 0 : -ECHILD;
}

static void process_end(struct process *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->ready[0]);
}

static int process_open(const struct process *p, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", p->pid, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int pidfd(const struct process *p)
{
	return syscall(SYS_pidfd_open, p->pid, 0);
}

/* Takes the file that the process opened: it has the credentials of the process. */
static int process_file(const struct process *p)
{
	int process = pidfd(p), fd = syscall(SYS_pidfd_getfd, process, p->fd, 0);

	close(process);
	return fd;
}

static int address_space(const struct process *p)
{
	return process_open(p, "mem");
}

static int open_memory(void)
{
	return memfd_create("references", MFD_CLOEXEC);
}

static int open_memory_as_user(void)
{
	int fd = setuid(SOME_USER) ? -1 : open_memory();

	return fd;
}

/* A ring for a single task refers to it. */
static int open_ring(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SINGLE_ISSUER };

	return syscall(SYS_io_uring_setup, 1, &params);
}

static int new_user_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static int user_namespace(const struct process *p)
{
	return process_open(p, "ns/user");
}

static int new_net_namespace(void)
{
	return unshare(CLONE_NEWNET);
}

static int net_namespace(const struct process *p)
{
	return process_open(p, "ns/net");
}

static int new_uts_namespace(void)
{
	return unshare(CLONE_NEWUTS);
}

static int uts_namespace(const struct process *p)
{
	return process_open(p, "ns/uts");
}

static int module_file(const struct process *p)
{
	(void)p;
	return open(ERRPATH "/status", O_RDONLY | O_CLOEXEC);
}

FIXTURE(held)
{
	struct process process;
};

FIXTURE_VARIANT(held)
{
	const char *counters[2];	/* names of the same on different kernels */
	long more;		/* by which the counter grows at least; 0: by exactly one */
	int (*begin)(void);
	int (*hold)(const struct process *p);
};

FIXTURE_VARIANT_ADD(held, address_space)
{
	.counters = { "references.mm_struct" },
	.hold = address_space,
};

FIXTURE_VARIANT_ADD(held, pid)
{
	.counters = { "references.pid" },
	.hold = pidfd,
};

FIXTURE_VARIANT_ADD(held, task)
{
	.counters = { "references.task_struct" },
	.begin = open_ring,
	.hold = process_file,
};

FIXTURE_VARIANT_ADD(held, credentials)
{
	.counters = { "references.cred", "references.cred_jar" },
	.begin = open_memory,
	.hold = process_file,
};

FIXTURE_VARIANT_ADD(held, user)
{
	.counters = { "references.uid_cache" },
	.begin = open_memory_as_user,
	.hold = process_file,
};

FIXTURE_VARIANT_ADD(held, user_namespace)
{
	.counters = { "references.user_namespace" },
	.begin = new_user_namespace,
	.hold = user_namespace,
};

FIXTURE_VARIANT_ADD(held, net_namespace)
{
	.counters = { "references.net_namespace" },
	.begin = new_net_namespace,
	.hold = net_namespace,
};

FIXTURE_VARIANT_ADD(held, uts_namespace)
{
	.counters = { "references.uts_namespace" },
	.begin = new_uts_namespace,
	.hold = uts_namespace,
};

/* A ring has a percpu_ref. */
FIXTURE_VARIANT_ADD(held, percpu)
{
	.counters = { "percpu.bytes" },
	.more = 8,
	.begin = open_ring,
	.hold = process_file,
};

FIXTURE_VARIANT_ADD(held, module)
{
	.counters = { "modules.errpath" },
	.hold = module_file,
};

FIXTURE_SETUP(held)
{
}

FIXTURE_TEARDOWN(held)
{
}

static struct counters before, after;

/* Returns by how much a counter grew. */
static long growth(const char *name)
{
	return counters_value(&after, name) - counters_value(&before, name);
}

static int read_before(void)
{
	int err;

	verdict_keep_program_small();
	err = counters_read(&before) ?: counters_read(&after);
	return err ?: counters_read_steady(&before, &after);
}

/*
 * Returns the gauge of references that is not back, or NULL. The other gauges have tests of their
 * own; on 6.1 eight unaccounted pages come and go.
 */
static const char *reference_left(void)
{
	static const char * const patterns[] = {
		"references.*", "huge_zero.*", "percpu.*", "modules.*", "cgroup.*",
	};
	static struct comparison c;

	counters_compare(&before, &after, &c);
	for (int i = 0; i < c.nr; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(patterns); k++) {
			if (!fnmatch(patterns[k], c.out[i].name, 0))
				return c.out[i].name;
		}
	}
	return NULL;
}

/* All that was held is gone. */
#define EXPECT_ALL_BACK() do { \
	ASSERT_EQ(0, counters_read_settled(&after, &before)); \
	EXPECT_EQ(NULL, reference_left()) { \
		TH_LOG("%s: %+ld", reference_left(), growth(reference_left())); \
	} \
} while (0)

/* Returns which of the two names of a counter this kernel has, or NULL. */
static const char *counter_here(const char * const *names)
{
	for (int i = 0; i < 2 && names[i]; i++) {
		if (counters_has(&before, names[i]))
			return names[i];
	}
	return NULL;
}

TEST_F(held, one_reference_is_seen)
{
	struct process *p = &self->process;
	const char *name;
	int fd;

	/* What a process does for the first time stays: begin once before the count. */
	ASSERT_EQ(0, process_start(p, variant->begin));
	process_end(p);
	if (variant->begin && p->fd < 0)
		SKIP(return, "this kernel has none");
	ASSERT_EQ(0, read_before());
	name = counter_here(variant->counters);
	if (!name)
		SKIP(return, "nothing counts %s here", variant->counters[0]);

	/* Hold something of a process that is gone. */
	ASSERT_EQ(0, process_start(p, variant->begin));
	fd = variant->hold(p);
	ASSERT_LE(0, fd);
	process_end(p);
	ASSERT_EQ(0, counters_settle_and_read(&after));
	EXPECT_LE(variant->more ?: 1, growth(name))
		TH_LOG("%s", name);
	if (!variant->more)
		EXPECT_EQ(1, growth(name));

	/* Let it go. */
	close(fd);
	EXPECT_ALL_BACK();
}

/* Names a task in a knob, and takes it out again when it has ended. */
static int name_task(void)
{
	struct process process;
	int err = process_start(&process, NULL);

	if (err)
		return err;
	err = knob_set("target", "tasks", "%d", process.pid);
	process_end(&process);
	return knob_set("target", "tasks", "self") ?: err;
}

TEST(named_task_is_let_go)
{
	int guard = guard_open();

	ASSERT_LE(0, guard);
	ASSERT_EQ(0, name_task());
	ASSERT_EQ(0, read_before());
	ASSERT_EQ(0, name_task());
	EXPECT_ALL_BACK();
}

/* Reads memory that was never written, which maps the huge zero page. */
static int read_huge_zero(void)
{
	char *mem = thp_map(1);

	return mem && is_zero(mem, 1) ? -1 : 0;
}

TEST(huge_zero_page_is_given_back)
{
	const char *reason = thp_unavailable();
	struct process process;
	long made;

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_EQ(0, read_before());
	if (!counters_has(&before, "huge_zero.references"))
		SKIP(return, "nothing counts the references here");
	EXPECT_EQ(0, counters_value(&before, "huge_zero.references"));

	/* A process and the kernel each hold a reference to the page. */
	made = vmstat_value("thp_zero_page_alloc");
	ASSERT_EQ(0, process_start(&process, read_huge_zero));
	EXPECT_EQ(made + 1, vmstat_value("thp_zero_page_alloc"));
	ASSERT_EQ(0, counters_settle_and_read(&after));
	EXPECT_EQ(2, growth("huge_zero.references"));
	process_end(&process);
	EXPECT_ALL_BACK();

	/* The next reader makes it anew. */
	ASSERT_EQ(0, process_start(&process, read_huge_zero));
	EXPECT_EQ(made + 2, vmstat_value("thp_zero_page_alloc"));
	process_end(&process);
	EXPECT_ALL_BACK();
}

static int enter_group(void)
{
	return cgroup_enter(GROUP) ? 0 : -1;
}

/* Ends the process, and lets it be a zombie: it keeps its cgroup, which can be removed. */
static int process_end_as_zombie(struct process *p)
{
	siginfo_t info;

	kill(p->pid, SIGKILL);
	return waitid(P_PID, p->pid, &info, WEXITED | WNOWAIT) ? -errno : 0;
}

/* Returns false if a removed cgroup still lives after a time that should be enough. */
static bool cgroups_are_freed(void)
{
	for (int i = 0; i < 50; i++) {
		counters_settle();
		if (!cgroups_removed())
			return true;
		usleep(100000);
	}
	return false;
}

TEST(removed_cgroup_is_seen)
{
	struct process process;
	int err = cgroup_open();

	if (err == -ENOENT)
		SKIP(return, "no memory controller of cgroup v2");
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, cgroup_make(GROUP));
	ASSERT_EQ(0, process_start(&process, enter_group));
	EXPECT_EQ(-1, process.fd);
	process_end(&process);
	ASSERT_EQ(0, cgroup_remove(GROUP));
	ASSERT_TRUE(cgroups_are_freed());
	ASSERT_EQ(0, read_before());
	EXPECT_EQ(0, counters_value(&before, "cgroup.nr_dying_descendants"));

	ASSERT_EQ(0, cgroup_make(GROUP));
	ASSERT_EQ(0, process_start(&process, enter_group));
	EXPECT_EQ(-1, process.fd);
	ASSERT_EQ(0, process_end_as_zombie(&process));
	ASSERT_EQ(0, cgroup_remove(GROUP));
	ASSERT_EQ(0, counters_settle_and_read(&after));
	EXPECT_EQ(1, growth("cgroup.nr_dying_descendants"));

	process_end(&process);
	EXPECT_ALL_BACK();
}

TEST_HARNESS_MAIN
