// SPDX-License-Identifier: GPL-2.0
/* The stimulus modules refuse wrong orders, and do not touch memory of other users. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "lib/harness.h"

#include "lib/file.h"
#include "lib/hotadd.h"
#include "lib/hotplug.h"
#include "lib/iomem.h"
#include "lib/kmsg.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/target.h"
#include "lib/vmbus.h"

#define DEBUGFS "/sys/kernel/debug/"
#define CALL DEBUGFS "errpath_target/call"
#define RIVAL DEBUGFS "errpath_rival/"
#define MIGRATE DEBUGFS "errpath_migrate/"
#define POLL_US 10000
#define POLLS 500		/* 5 s */

/* Bytes to write to a file in debugfs. They may contain a NUL. */
struct order {
	const char *file;
	const char *text;
	size_t len;
};

#define ORDER(_file, _text) { .file = _file, .text = _text, .len = sizeof(_text) - 1 }

/* Writes the order by one write(). Returns 0 or -errno. */
static int write_order(const struct order *order)
{
	char path[128];
	int err, fd;

	snprintf(path, sizeof(path), DEBUGFS "%s", order->file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write(fd, order->text, order->len) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int load_once(const char *name)
{
	return module_loaded(name) ? 0 : module_load(name, "");
}

FIXTURE(stimuli)
{
	unsigned long start;
};

FIXTURE_SETUP(stimuli)
{
	ASSERT_EQ(0, load_once("errpath_alloc"));
	ASSERT_EQ(0, load_once("errpath_rival"));
	ASSERT_EQ(0, load_once("errpath_scope"));
	self->start = iomem_unused(SECTION_SIZE, SECTION_SIZE);
}

FIXTURE_TEARDOWN_PARENT(stimuli)
{
	EXPECT_EQ(0, hotplug_cleanup());
	EXPECT_EQ(0, module_unload("errpath_scope"));
	EXPECT_EQ(0, module_unload("errpath_rival"));
	EXPECT_EQ(0, module_unload("errpath_alloc"));
}

/* Orders that crash the kernel if a stimulus accepts them are last. */
static const struct order wrong[] = {
	ORDER("errpath_alloc/alloc", ""),
	ORDER("errpath_alloc/alloc", "malloc"),
	ORDER("errpath_alloc/alloc", "kmalloc nmi"),
	ORDER("errpath_alloc/alloc", "kmalloc task task"),
	ORDER("errpath_alloc/alloc", "kmalloc\0task"),
	ORDER("errpath_alloc/chain", ""),
	ORDER("errpath_alloc/chain", "stop"),
	ORDER("errpath_alloc/chain", "go go"),
	ORDER("errpath_alloc/lose", "0 none"),
	ORDER("errpath_alloc/lose", "6 none"),
	ORDER("errpath_alloc/lose", "+1 none"),
	ORDER("errpath_alloc/lose", "4294967297 none"),
	ORDER("errpath_alloc/lose", "1 none none"),
	ORDER("errpath_alloc/loop", ""),
	ORDER("errpath_alloc/loop", "1"),
	ORDER("errpath_alloc/loop", "kmalloc"),
	ORDER("errpath_alloc/loop", "1 malloc"),
	ORDER("errpath_alloc/loop", "-1 kmalloc"),
	ORDER("errpath_alloc/loop", "100001 kmalloc"),
	ORDER("errpath_alloc/loop", "1 kmalloc kmalloc"),
	ORDER("errpath_alloc/loop", "1\0kmalloc"),
	ORDER("errpath_target/call", ""),
	ORDER("errpath_target/call", "-1"),
	ORDER("errpath_target/call", "+1"),
	ORDER("errpath_target/call", "1x"),
	ORDER("errpath_target/call", "18446744073709551617"),
	ORDER("errpath_target/call", "1\0traced"),
	ORDER("errpath_target/call", "1 untraced"),
	ORDER("errpath_target/call", "1 traced nmi"),
	ORDER("errpath_target/call", "1 traced task task"),
	ORDER("errpath_target/call", "100001 traced loop"),
	ORDER("errpath_scope/call", ""),
	ORDER("errpath_scope/call", "1 traced above"),
	ORDER("errpath_scope/call", "1 untraced above inside"),
	ORDER("errpath_scope/call", "1 traced below inside"),
	ORDER("errpath_scope/call", "1 traced above beside"),
	ORDER("errpath_scope/call", "1 traced above inside inside"),
	ORDER("errpath_scope/call", "+1 traced above inside"),
	ORDER("errpath_scope/call", "10000001 traced above outside"),
	ORDER("errpath_scope/go", "on"),
	ORDER("errpath_rival/set", ""),
	ORDER("errpath_rival/set", "none errpath_target"),
	ORDER("errpath_rival/set", "none\0errpath_target"),
	ORDER("errpath_rival/set", "kprobe"),
	ORDER("errpath_rival/set", "kprobe errpath_target errpath_target"),
	ORDER("errpath_rival/set", "jprobe errpath_target"),
	ORDER("errpath_hotplug/add", "0x8000000"),
	ORDER("errpath_hotplug/add", "128M"),
	ORDER("errpath_hotplug/add", "0x8000000 128M 128M"),
	ORDER("errpath_hotplug/add", "0x8000000 128MM"),
	ORDER("errpath_hotplug/add", "+128M 128M"),
	ORDER("errpath_hotplug/add", "99999999999999999999G 128M"),
	ORDER("errpath_hotplug/add", "16E 128M"),
	ORDER("errpath_hotplug/add", "0x4000000200000000000 128M"),
	ORDER("errpath_hotplug/add", "128M 0xffffffffffffffff"),
	ORDER("errpath_hotplug/add", "0x8000000 128M memmap"),
	ORDER("errpath_hotplug/leak", "none\0page"),
	ORDER("errpath_hotplug/memremap", "0x8000000 2M shift=+0"),
	ORDER("errpath_hotplug/memremap", "0x8000000 2M shift=0 shift"),
	ORDER("errpath_hotplug/memremap", "0x8000000 2M same altmap"),
	ORDER("errpath_hotplug/memremap", "0x8000000 2M shift=9 same"),
	ORDER("errpath_hotplug/memremap", "0x8000000 2M shift=64"),
	ORDER("errpath_hotplug/memremap", "0x8000000 2M shift=18446744073709551616"),
	ORDER("errpath_alloc/alloc", "kvmalloc atomic"),
	ORDER("errpath_alloc/alloc", "kvmalloc irq"),
	ORDER("errpath_alloc/alloc", "kmalloc_nofail atomic"),
	ORDER("errpath_alloc/alloc", "kmalloc_nofail irq"),
	ORDER("errpath_alloc/alloc", "kmem_cache_bulk atomic"),
	ORDER("errpath_alloc/alloc", "kmem_cache_bulk irq"),
	ORDER("errpath_alloc/alloc", "vmalloc atomic"),
	ORDER("errpath_alloc/alloc", "vmalloc irq"),
	ORDER("errpath_alloc/loop", "1 kvmalloc"),
	ORDER("errpath_alloc/loop", "1 kmalloc_nofail"),
};

TEST_F(stimuli, wrong_order_is_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, write_order(&wrong[i]))
			TH_LOG("\"%s\" to %s", wrong[i].text, wrong[i].file);
	}
}

/* Each order of errpath_hotplug that it refuses has a line in the log that names what is wrong. */
TEST_F(stimuli, refusal_of_hotplug_says_why)
{
	static const struct {
		struct order order;
		int err;
		const char *line;
	} refused[] = {
		{ ORDER("errpath_hotplug/add", "0x8000000"), -EINVAL,
		  "add takes START SIZE \\[memmap_on_memory\\], in bytes: 0x200000000 128M$" },
		{ ORDER("errpath_hotplug/add", "0x8000000 128M memmap"), -EINVAL,
		  "add takes START" },
		{ ORDER("errpath_hotplug/add", "0 \0"), -EINVAL,
		  "add takes at most 127 characters" },
		{ ORDER("errpath_hotplug/remove", "0x8000000"), -EINVAL,
		  "remove takes START SIZE," },
		{ ORDER("errpath_hotplug/remove", "0x8000000 128M"), -ENOENT,
		  "remove 0x8000000: no such range: the file ranges lists all$" },
		{ ORDER("errpath_hotplug/memremap", "0x8000000 2M shift=64"), -EINVAL,
		  "memremap takes START SIZE " },
		{ ORDER("errpath_hotplug/memremap", "0x8000000 2M same"), -ENOENT,
		  "memremap same 0x8000000: no such range: " },
		{ ORDER("errpath_hotplug/memunmap", "2MM"), -EINVAL, "memunmap takes START," },
		{ ORDER("errpath_hotplug/memunmap", "0x8000000"), -ENOENT,
		  "memunmap 0x8000000: no such range: " },
		{ ORDER("errpath_hotplug/leak", "all"), -EINVAL,
		  "leak takes none, page or object$" },
	};
	const bool no_memremap = hotplug_memremap_unavailable();
	char line[256];
	int log = kmsg_open();

	ASSERT_LE(0, log);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const struct order *order = &refused[i].order;

		if (no_memremap && !strcmp(order->file, "errpath_hotplug/memremap"))
			continue;
		snprintf(line, sizeof(line), "^errpath_hotplug: %s", refused[i].line);
		EXPECT_EQ(refused[i].err, write_order(order));
		EXPECT_EQ(1, kmsg_count(log, line))
			TH_LOG("\"%s\" to %s", order->text, order->file);
	}
	close(log);
}

/* A file that takes orders has no position. */
TEST_F(stimuli, order_at_an_offset_is_refused)
{
	static const struct order orders[] = {
		ORDER("errpath_alloc/alloc", "kmalloc"),
		ORDER("errpath_hotplug/leak", "none"),
		ORDER("errpath_rival/set", "none"),
	};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		int fd;

		snprintf(path, sizeof(path), DEBUGFS "%s", orders[i].file);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		EXPECT_EQ(-1, pwrite(fd, orders[i].text, orders[i].len, 100));
		EXPECT_EQ(ESPIPE, errno)
			TH_LOG("%s", orders[i].file);
		EXPECT_EQ((ssize_t)orders[i].len, write(fd, orders[i].text, orders[i].len));
		close(fd);
	}
}

TEST_F(stimuli, alloc_loop_counts)
{
	unsigned long made, failed;
	unsigned long long ns;
	char text[96];
	int n;

	ASSERT_EQ(0, file_write(DEBUGFS "errpath_alloc/loop", "7 kmalloc"));
	ASSERT_LT(0, file_read(DEBUGFS "errpath_alloc/loop", text, sizeof(text)));
	n = sscanf(text, "calls %lu failed %lu ns %llu", &made, &failed, &ns);
	ASSERT_EQ(3, n);
	EXPECT_EQ(7, made);
	EXPECT_EQ(0, failed);
	EXPECT_LT(0, ns);
}

static long rival_hits(void)
{
	char text[32];
	long len = file_read(RIVAL "hits", text, sizeof(text));

	return len < 0 ? len : atol(text);
}

TEST_F(stimuli, wrong_order_does_not_let_go)
{
	struct target_calls calls;

	/* Hook the function; a wrong order keeps the hook. */
	ASSERT_EQ(0, file_write(RIVAL "set", "kprobe errpath_target"));
	EXPECT_EQ(-EINVAL, file_write(RIVAL "set", "jprobe errpath_target"));
	ASSERT_EQ(0, target_call(3, "traced", "task", &calls));
	EXPECT_EQ(3, rival_hits());

	/* Remove the hook: it counts no more calls. */
	EXPECT_EQ(0, file_write(RIVAL "set", "none"));
	ASSERT_EQ(0, target_call(1, "traced", "task", &calls));
	EXPECT_EQ(3, rival_hits());
}

/* The address has 65 bits. Its lowest 64 bits are an address where memory can be added. */
TEST_F(stimuli, address_does_not_wrap)
{
	char text[64];

	snprintf(text, sizeof(text), "0x1%016lx 128M", self->start);
	EXPECT_EQ(-EINVAL, file_write(DEBUGFS "errpath_hotplug/add", text));
	EXPECT_EQ(0, hotplug_cleanup());
}

/* Refuse a compound page larger than the range, and an invalid order. */
TEST_F(stimuli, compound_page_fits_its_range)
{
	static const char * const shifts[] = { "shift=10", "shift=18", "shift=19", "shift=63" };
	const char *reason = hotplug_memremap_unavailable();

	if (reason)
		SKIP(return, "%s", reason);

	EXPECT_EQ(0, hotplug_memremap(self->start, SUBSECTION_SIZE, "shift=9"));
	EXPECT_EQ(0, hotplug_memunmap(self->start));
	EXPECT_EQ(-EINVAL, hotplug_memremap(self->start + SUBSECTION_SIZE, 2 * SUBSECTION_SIZE,
					    "shift=10"));
	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
		EXPECT_EQ(-EINVAL, hotplug_memremap(self->start, SUBSECTION_SIZE, shifts[i]))
			TH_LOG("%s", shifts[i]);
	}
}

/* Only a range whose mapping failed has a dev_pagemap to use again. */
TEST_F(stimuli, same_needs_a_failure)
{
	const char *reason = hotplug_memremap_unavailable();

	if (reason)
		SKIP(return, "%s", reason);
	EXPECT_EQ(-ENOENT, hotplug_memremap(self->start, SUBSECTION_SIZE, "same"));
	EXPECT_EQ(0, hotplug_memremap(self->start, SUBSECTION_SIZE, ""));
	EXPECT_EQ(-ENOENT, hotplug_memremap(self->start, SUBSECTION_SIZE, "same"));
	EXPECT_EQ(0, hotplug_memunmap(self->start));
}

static bool wait_for_hits(void)
{
	for (int i = 0; i < POLLS; i++) {
		if (rival_hits() > 0)
			return true;
		usleep(POLL_US);
	}
	return false;
}

static bool wait_for_end(pid_t pid, int *status)
{
	for (int i = 0; i < POLLS; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		usleep(POLL_US);
	}
	return false;
}

TEST_F(stimuli, killed_caller_ends)
{
	int status = 0;
	pid_t child;

	/* Let a child call a function without end. */
	ASSERT_EQ(0, file_write(RIVAL "set", "kprobe errpath_target"));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(-file_write(CALL, "18446744073709551615 traced task"));
	EXPECT_TRUE(wait_for_hits());

	/* Kill the child: the calls end. */
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_TRUE(wait_for_end(child, &status));
	EXPECT_TRUE(WIFSIGNALED(status));
}

/* errpath_migrate.ko, on kernels that have it. */
FIXTURE(migrate)
{
	int fd;
};

FIXTURE_SETUP(migrate)
{
	int err = load_once("errpath_migrate");

	if (err == -ENOENT)
		SKIP(return, "no errpath_migrate.ko: this kernel has no CONFIG_DEVICE_MIGRATION");
	ASSERT_EQ(0, err);
	self->fd = open(MIGRATE "migrate", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(migrate)
{
	close(self->fd);
	EXPECT_EQ(0, module_unload("errpath_migrate"));
}

TEST_F(migrate, wrong_order_is_refused)
{
	static const struct order orders[] = {
		ORDER("errpath_migrate/evict", ""),
		ORDER("errpath_migrate/evict", "all all"),
		ORDER("errpath_migrate/evict", "all\0pages"),
		ORDER("errpath_migrate/migrate", ""),
		ORDER("errpath_migrate/migrate", "0x1000 0x1000 system 4k compound compound"),
		ORDER("errpath_migrate/migrate", "0x10000000000001000 0x1000 system 4k"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		EXPECT_EQ(-EINVAL, write_order(&orders[i]))
			TH_LOG("\"%s\" to %s", orders[i].text, orders[i].file);
	}
}

/* The largest order. It is fast, because the kernel does not collect holes of shared memory. */
TEST_F(migrate, outcome_of_each_page_is_reported)
{
	const size_t size = 128 * MiB, nr = size / 4096;
	char order[128], *text, *pages;
	size_t len = 0;
	ssize_t n;
	void *mem;

	/* Map memory without touching it. */
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	text = calloc(1, 2 * nr);
	ASSERT_NE(NULL, text);

	/* Migrate it, and read the outcome by the same file descriptor. */
	snprintf(order, sizeof(order), "%#lx %#zx system 4k", (unsigned long)mem, size);
	ASSERT_EQ((ssize_t)strlen(order), write(self->fd, order, strlen(order)));
	while ((n = read(self->fd, text + len, 2 * nr - 1 - len)) > 0)
		len += n;
	ASSERT_EQ(0, n);

	/* Expect one character for each page, and then the end of the line. */
	pages = strchr(text, '\n');
	ASSERT_NE(NULL, pages);
	EXPECT_EQ(nr, strspn(++pages, "-"));
	EXPECT_STREQ("\n", pages + strspn(pages, "-"));
	free(text);
	munmap(mem, size);
}

/* The host adds real memory to a range that errpath_hotplug.ko failed to add. */
FIXTURE(foreign)
{
	struct hotadd_before before;
	unsigned long start;
	const char *block;
	int guard;
};

FIXTURE_SETUP(foreign)
{
	const char *why = point_unavailable("alloc") ?: hotadd_unavailable(&hotadd_by_dimm);

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, hotadd_prepare(&self->before, "offline"));

	/* Find out where the host puts memory. */
	ASSERT_EQ(0, hotadd_dimm(SECTION_SIZE));
	self->block = hotadd_offline_block();
	ASSERT_NE(NULL, self->block);
	self->start = strtoul(strstr(self->block, "/memory/memory") + strlen("/memory/memory"),
			      NULL, 10) * SECTION_SIZE;
	ASSERT_EQ(0, hotadd_dimm(0));

	/*
	 * Fail to add memory there: the kernel cannot allocate the resource, its
	 * first allocation, and returns the error for a resource that exists.
	 */
	ASSERT_EQ(0, knob_set("alloc", "caller", "stack:add_memory"));
	ASSERT_EQ(0, arm_nth("alloc", 1));
	ASSERT_EQ(-EEXIST, hotplug_add(self->start, SECTION_SIZE));
	ASSERT_EQ(0, disarm("alloc"));

	/* Let the host add memory there. */
	ASSERT_EQ(0, hotadd_dimm(SECTION_SIZE));
	ASSERT_EQ(0, access(self->block, F_OK));
}

FIXTURE_TEARDOWN_PARENT(foreign)
{
	EXPECT_EQ(0, hotadd_cleanup(&self->before));
	EXPECT_LE(0, hotplug_cleanup());
}

TEST_F(foreign, memory_can_be_onlined)
{
	EXPECT_EQ(0, file_write(self->block, "online_movable"));
	EXPECT_EQ(0, hotadd_dimm(0));
}

TEST_F(foreign, memory_is_not_removed)
{
	EXPECT_EQ(-ENOENT, hotplug_remove(self->start, SECTION_SIZE));
	EXPECT_EQ(0, access(self->block, F_OK));
	EXPECT_EQ(0, hotplug_cleanup());
	EXPECT_EQ(0, hotadd_dimm(0));
}

/* A range without memory, on a kernel that brings new memory online by itself. */
FIXTURE(veto)
{
	struct hotadd_before before;
	unsigned long start;
};

FIXTURE_SETUP(veto)
{
	self->start = iomem_unused(SECTION_SIZE, SECTION_SIZE);
	ASSERT_EQ(0, hotadd_prepare(&self->before, "online_movable"));
}

FIXTURE_TEARDOWN_PARENT(veto)
{
	EXPECT_EQ(0, hotplug_cleanup());
	EXPECT_EQ(0, hotadd_cleanup(&self->before));
}

TEST_F(veto, memory_stays_offline)
{
	const char *block;

	/* Add the range: the kernel tries to bring it online, and the stimulus refuses. */
	ASSERT_EQ(0, hotplug_add(self->start, SECTION_SIZE));
	block = hotadd_offline_block();
	ASSERT_NE(NULL, block);
	EXPECT_EQ(-EPERM, file_write(block, "online"));
	EXPECT_EQ(0, hotplug_remove(self->start, SECTION_SIZE));
}

FIXTURE(vmbus)
{
	int guard;
};

FIXTURE_SETUP(vmbus)
{
	const char *why = vmbus_unavailable();

	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, vmbus_start(""));
}

FIXTURE_TEARDOWN_PARENT(vmbus)
{
	EXPECT_EQ(0, vmbus_stop());
}

TEST_F(vmbus, wrong_order_is_refused)
{
	static const struct order orders[] = {
		ORDER("vmbus_sim/offer", ""),
		ORDER("vmbus_sim/offer", "+1"),
		ORDER("vmbus_sim/offer", "1x"),
		ORDER("vmbus_sim/offer", "4294967297"),
		ORDER("vmbus_sim/offer", "1\0x"),
		ORDER("vmbus_sim/rescind", "0 0"),
		ORDER("vmbus_sim/rescind", "4294967296"),
		ORDER("vmbus_sim/eject", "0 4294967296"),
		ORDER("vmbus_sim/relations", "0 4294967297"),
		ORDER("vmbus_sim/msi", "0 0 0"),
		ORDER("vmbus_sim/reset", "bus"),
		ORDER("vmbus_sim/reset", "\0bus"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		EXPECT_EQ(-EINVAL, write_order(&orders[i]))
			TH_LOG("\"%s\" to %s", orders[i].text, orders[i].file);
	}
	EXPECT_TRUE(vmbus_bound(0));
	EXPECT_EQ(1, vmbus_functions(0));
}

TEST_F(vmbus, windows_do_not_wrap)
{
	static const char * const parameters[] = {
		"low_bar=0x100000000",
		"low_start=0xffffffff00000000",
		"low_size=0x100000000",
		"high_start=0xffffffffffff0000",
		"fb_size=0x100000000 fb_reserved=N",
		"fb_start=0xffffffffffff0000 fb_reserved=N",
		"fb_start=0x10000000",
	};

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		EXPECT_EQ(-EINVAL, vmbus_start(parameters[i]))
			TH_LOG("%s", parameters[i]);
	}
	EXPECT_EQ(0, vmbus_start(""));
}

/*
 * A bus is rescinded while its offer fails at the end of device_add(). Exactly one of the two
 * tasks may free the bus. A child process rescinds in a loop to hit that moment.
 */
#define OFFERS 400

static void __attribute__((noreturn)) rescind_forever(void)
{
	for (;;)
		vmbus_command("rescind", 1, -1);
}

TEST_F_TIMEOUT(vmbus, failing_offer_is_rescinded, 60)
{
	const char *why = point_unavailable("alloc");
	pid_t child;

	if (why)
		SKIP(return, "%s", why);
	/* Fail every offer in device_add() while a child rescinds. */
	ASSERT_EQ(0, knob_set("alloc", "verbose", "0"));
	ASSERT_EQ(0, knob_set("alloc", "caller", "stack:bus_add_device"));
	ASSERT_EQ(0, arm_times("alloc", -1));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		rescind_forever();
	for (int i = 0; i < OFFERS; i++)
		EXPECT_EQ(-ENOMEM, vmbus_command("offer", 1, -1));
	kill(child, SIGKILL);
	EXPECT_EQ(child, waitpid(child, NULL, 0));
	ASSERT_EQ(0, disarm("alloc"));

	/* An offer succeeds. */
	EXPECT_EQ(0, vmbus_command("offer", 1, -1));
	EXPECT_TRUE(vmbus_bound(1));
}

TEST_HARNESS_MAIN
