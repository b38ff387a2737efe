// SPDX-License-Identifier: GPL-2.0
/* Tests of the verdict: it finds each difference that it must find, and no other. */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/harness.h"

#include "lib/counters.h"
#include "lib/file.h"
#include "lib/gauges.h"
#include "lib/known.h"
#include "lib/knobs.h"
#include "lib/splat.h"
#include "lib/verdict.h"

static bool comparison_has(const struct comparison *c, const char *name)
{
	for (int i = 0; i < c->nr; i++) {
		if (!strcmp(c->out[i].name, name))
			return true;
	}
	return false;
}

/* 4 MiB that a process holds are reported, and no longer after it unmaps them. */
TEST(pages_in_use_are_reported)
{
	static struct counters before, after;
	const size_t size = 4 << 20;
	struct comparison c;
	char *p;

	ASSERT_EQ(0, counters_read(&after));
	ASSERT_EQ(0, counters_settle_and_read(&before));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	memset(p, 1, size);

	ASSERT_EQ(0, counters_read(&after));
	counters_compare(&before, &after, &c);
	EXPECT_TRUE(comparison_has(&c, COUNTERS_PAGES));
	EXPECT_TRUE(comparison_has(&c, "vmstat.nr_anon_pages"));
	EXPECT_TRUE(comparison_has(&c, "meminfo.AnonPages"));
	EXPECT_EQ(!access("/sys/devices/system/node/node0", F_OK),
		  comparison_has(&c, "node0.vmstat.nr_anon_pages"));
	EXPECT_FALSE(comparison_has(&c, "vmstat.pgfault"));

	ASSERT_EQ(0, munmap(p, size));
	ASSERT_EQ(0, counters_read_settled(&after, &before));
	counters_compare(&before, &after, &c);
	EXPECT_EQ(0, c.nr)
		TH_LOG("%s: %ld before, %ld after", c.out[0].name,
		       c.out[0].before, c.out[0].after);
	EXPECT_LT(100, c.same);
}

static int run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static unsigned long read_at(const char *path, unsigned long index)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned long value = 0;

	if (pread(fd, &value, sizeof(value), index * sizeof(value)) != sizeof(value))
		value = 0;
	close(fd);
	return value;
}

/* Is the page that is mapped at @p in an LRU list? */
static bool on_lru(const char *p)
{
	const unsigned long pfn_mask = (1UL << 55) - 1;
	const int lru = 5;	/* KPF_LRU */
	unsigned long pfn = read_at("/proc/self/pagemap", (uintptr_t)p / getpagesize()) & pfn_mask;

	return read_at("/proc/kpageflags", pfn) >> lru & 1;
}

/* A freed page that waits in the batch of a CPU is not free yet, and would look lost. */
TEST(settling_empties_the_batches_of_all_cpus)
{
	const int pages = 10;
	const int size = getpagesize();
	char *p = mmap(NULL, pages * size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int waiting = 0;

	ASSERT_NE(MAP_FAILED, p);
	/* Touch the pages on the last CPU, and settle on the first. */
	ASSERT_EQ(0, run_on(sysconf(_SC_NPROCESSORS_ONLN) - 1));
	memset(p, 1, pages * size);
	ASSERT_EQ(0, run_on(0));
	for (int i = 0; i < pages; i++)
		waiting += !on_lru(p + i * size);
	printf("# %d of %d pages wait\n", waiting, pages);
	counters_settle();
	for (int i = 0; i < pages; i++)
		EXPECT_TRUE(on_lru(p + i * size));
}

/* Sums up the sizes in a trace of percpu_alloc_percpu. */
static long sum_of_sizes(const char *trace)
{
	long sum = 0;

	while ((trace = strstr(trace, " size="))) {
		trace += strlen(" size=");
		sum += strtol(trace, NULL, 10);
	}
	return sum;
}

/*
 * verdict_begin() makes the kernel allocate percpu memory: a new chunk, which the kernel keeps,
 * would look lost if it were allocated later.
 */
TEST(percpu_room_is_made)
{
	const char * const tracer = "/sys/kernel/tracing/instances/errpath_verdict";
	char event[128], file[192], text[16384] = "";
	static struct verdict v;

	ASSERT_EQ(0, mkdir(tracer, 0700));
	snprintf(event, sizeof(event), "%s/events/percpu/percpu_alloc_percpu", tracer);
	snprintf(file, sizeof(file), "%s/filter", event);
	EXPECT_EQ(0, file_write(file, "size >= 4096"));
	snprintf(file, sizeof(file), "%s/enable", event);
	EXPECT_EQ(0, file_write(file, "1"));
	EXPECT_EQ(0, verdict_begin(&v, "global", "", "percpu_room_is_made"));
	EXPECT_EQ(0, file_write(file, "0"));
	snprintf(file, sizeof(file), "%s/trace", tracer);
	EXPECT_LT(0, file_read(file, text, sizeof(text)));
	EXPECT_EQ(0, rmdir(tracer));
	EXPECT_LE(32768, sum_of_sizes(text))
		TH_LOG("%s", text);
}

TEST(gauges_are_told_from_events)
{
	static const struct {
		const char *name;
		long bound;
	} names[] = {
		{ "vmstat.nr_memmap_pages", GAUGE_EXACT },
		{ "meminfo.DirectMap", GAUGE_EXACT },
		{ "meminfo.DirectMap2M", GAUGE_IGNORED },
		{ "meminfo.MemTotal", GAUGE_EXACT },
		{ "node0.meminfo.MemTotal", GAUGE_EXACT },
		{ "node1.meminfo.MemFree", GAUGE_IGNORED },
		{ "vmstat.pgalloc_normal", GAUGE_IGNORED },
		{ "vmstat.thp_new_in_some_kernel", GAUGE_IGNORED },
		{ "vmstat.nr_new_in_some_kernel", 64 },
		{ "node0.vmstat.nr_new_in_some_kernel", 64 },
		{ "meminfo.NewInSomeKernel", 256 },
		{ "slab.kmalloc-192", GAUGE_SLABS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(names[i].bound, gauge_bound(names[i].name))
			TH_LOG("%s", names[i].name);
	}
}

TEST(rows_apply_to_their_kernels)
{
	static const struct {
		const char *swept, *versions, *only, *version;
		bool stock, applies, must;
	} rows[] = {
		/* swept, versions, only, version: Debian's, applies, must show */
		{ NULL, "6.1+", "must", "6.12.117", true, true, true },
		{ NULL, "6.1+", "must", "6.12.117", false, true, false },
		{ NULL, "6.1+", "must", "6.12.11", true, false, false },
		{ NULL, "6.1+", "", "7.3.4", true, true, false },
		{ NULL, "6.1+", "", "6.1.192", true, true, true },
		{ NULL, "6.1+", "may", "6.1.192", true, true, false },
		{ NULL, "6.1+", "6.12+", "6.1.192", true, false, false },
		{ NULL, "6.1+", "6.12+", "6.12.117", true, true, true },
		{ NULL, "6.1+", "6.12+ may", "6.12.117", true, true, false },
		{ NULL, "6.12+", "", "6.1.192", true, false, false },
		{ NULL, "6.12+", "", "6.12", true, true, false },
		{ NULL, "6.12+", "", "10.0.1", true, true, false },
		{ NULL, "6.1.*", "", "6.1.7", true, true, false },
		{ NULL, "6.1.*", "", "6.12.7", true, false, false },
		{ NULL, "6.1.* 7.2+", "", "7.3.4", true, true, false },
		{ "6.12.*", "6.1+", "", "6.12.117", true, true, true },
		{ "6.12.*", "6.1+", "", "6.1.192", true, true, false },
		{ NULL, "6.1+ aarch64", "", "6.1.192", true, true, true },
		{ NULL, "6.1+", "6.12+ aarch64", "6.12.117", true, true, true },
		{ NULL, "6.1+ x86_64", "", "6.1.192", true, false, false },
		{ NULL, "6.1+", "x86_64 may", "6.1.192", true, false, false },
		{ NULL, "6.1+ x86_64 aarch64", "", "6.1.192", true, true, true },
	};
	bool must;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct known_scope scope = {
			.stock = "6.1.192 6.12.117",
			.swept = rows[i].swept,
			.versions = rows[i].versions,
			.only = rows[i].only,
			.machine = "aarch64",
		};

		EXPECT_EQ(rows[i].applies,
			  known_applies(&scope, rows[i].version, rows[i].stock, &must))
			TH_LOG("%s %s on %s", scope.versions, scope.only, rows[i].version);
		EXPECT_EQ(rows[i].must, must)
			TH_LOG("%s %s on %s", scope.versions, scope.only, rows[i].version);
	}
}

/*
 * The outer watch announces the splat, so that the scan of the log passes; the inner one does
 * not, and must report it.
 */
/* A row is about the failure, the success after it, or both. */
TEST(rows_apply_to_their_time)
{
	static const struct {
		struct known row;
		long failed;	/* what it explains after two failures */
		long recovered;	/* and after the success */
	} rows[] = {
		{ .row = { .name = "it", .difference = 3 }, .failed = 3 },
		{ .row = { .name = "it", .difference = 3, .afterwards = true }, .recovered = 3 },
		{ .row = { .name = "it", .difference = 3, .per_failure = true },
		  .failed = 6, .recovered = 6 },
		{ .row = { .name = "other", .difference = 3 } },
	};
	struct verdict v = {};

	v.known.nr = 1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		v.known.row[0] = rows[i].row;
		EXPECT_EQ(rows[i].failed, known_difference(&v.known, "it", 2, false));
		EXPECT_EQ(rows[i].recovered, known_difference(&v.known, "it", 2, true));
	}
}

/* A difference that the test measured is known, apart from noise, or the rest is returned. */
TEST(own_difference_is_judged)
{
	struct verdict v = {};

	v.known.nr = 1;
	v.known.row[0] = (struct known){ .name = "it", .difference = -10 };
	EXPECT_EQ(5, verdict_difference(&v, "other", 5, 1));
	EXPECT_FALSE(v.known.row[0].shown);
	EXPECT_EQ(-1, verdict_difference(&v, "it", -11, 1));
	EXPECT_TRUE(v.known.row[0].shown);
	EXPECT_EQ(10, verdict_difference(&v, "it", 0, 1));
	EXPECT_FALSE(v.known.row[0].shown);
}

TEST(unannounced_splat_is_reported)
{
	struct splat outer, inner;

	ASSERT_EQ(0, splat_open(&outer));
	ASSERT_EQ(0, splat_expect(&outer, "verdict", "WARNING: planted", true));
	ASSERT_EQ(0, splat_open(&inner));
	ASSERT_EQ(0, file_write("/dev/kmsg", "WARNING: planted by a test\n"));
	ASSERT_EQ(0, file_write("/dev/kmsg", "a line like any other\n"));
	EXPECT_EQ(1, splat_close(&inner));
	EXPECT_EQ(0, splat_close(&outer));
	EXPECT_EQ(1, outer.expected[0].seen);
}

TEST(absent_announced_splat_is_reported)
{
	struct splat s;

	ASSERT_EQ(0, splat_open(&s));
	ASSERT_EQ(0, splat_expect(&s, "verdict", "never printed", false));
	EXPECT_EQ(0, splat_close(&s));
	EXPECT_EQ(0, s.expected[0].seen);
}

#define IOMEM \
	"00000000-00000fff : Reserved\n" \
	"00001000-0009ffff : System RAM\n" \
	"  00100000-001fffff : Kernel code\n"

/* The verdict about a text of /proc/iomem that was IOMEM before. */
FIXTURE(iomem)
{
	struct verdict v;
};

FIXTURE_VARIANT(iomem)
{
	const char *after;
	long known;	/* additional lines that known-issues has */
	bool wrong;
	int findings;
};

FIXTURE_VARIANT_ADD(iomem, same)
{
	.after = IOMEM,
};

FIXTURE_VARIANT_ADD(iomem, line_more)
{
	.after = IOMEM "00200000-002fffff : System RAM\n",
	.wrong = true,
	.findings = 1,
};

FIXTURE_VARIANT_ADD(iomem, known_line_more)
{
	.after = IOMEM "00200000-002fffff : System RAM\n",
	.known = 1,
	.findings = 1,
};

FIXTURE_VARIANT_ADD(iomem, known_line_absent)
{
	.after = "00000000-00000fff : Reserved\n"
		 "  00100000-001fffff : Kernel code\n",
	.known = 1,
	.wrong = true,
	.findings = 1,
};

FIXTURE_VARIANT_ADD(iomem, less_indented)
{
	.after = "00000000-00000fff : Reserved\n"
		 "00001000-0009ffff : System RAM\n"
		 "00100000-001fffff : Kernel code\n",
	.wrong = true,
	.findings = 2,
};

FIXTURE_VARIANT_ADD(iomem, more_indented)
{
	.after = "00000000-00000fff : Reserved\n"
		 "00001000-0009ffff : System RAM\n"
		 "    00100000-001fffff : Kernel code\n",
	.wrong = true,
	.findings = 2,
};

FIXTURE_VARIANT_ADD(iomem, line_twice)
{
	.after = "00000000-00000fff : Reserved\n" IOMEM,
	.wrong = true,
	.findings = 1,
};

FIXTURE_VARIANT_ADD(iomem, known_line_twice)
{
	.after = "00000000-00000fff : Reserved\n" IOMEM,
	.known = 1,
	.findings = 1,
};

FIXTURE_VARIANT_ADD(iomem, other_order)
{
	.after = "00001000-0009ffff : System RAM\n"
		 "00000000-00000fff : Reserved\n"
		 "  00100000-001fffff : Kernel code\n",
	.wrong = true,
	.findings = 1,
};

FIXTURE_VARIANT_ADD(iomem, known_line_more_other_order)
{
	.after = "00001000-0009ffff : System RAM\n"
		 "00000000-00000fff : Reserved\n"
		 "  00100000-001fffff : Kernel code\n"
		 "00200000-002fffff : System RAM\n",
	.known = 1,
	.wrong = true,
	.findings = 2,
};

FIXTURE_SETUP(iomem)
{
	self->v.known.nr = !!variant->known;
	self->v.known.row[0] = (struct known){
		.kind = KNOWN_COUNTER,
		.name = "iomem.lines",
		.difference = variant->known,
	};
}

FIXTURE_TEARDOWN(iomem)
{
}

TEST_F(iomem, differences_are_judged)
{
	verdict_iomem(&self->v, IOMEM, variant->after, false);
	EXPECT_EQ(variant->wrong, self->v.wrong);
	EXPECT_EQ(variant->findings, self->v.nr_findings);
	for (int i = 0; i < self->v.nr_findings; i++) {
		EXPECT_EQ(!variant->wrong, self->v.finding[i].known)
			TH_LOG("%s", self->v.finding[i].what);
	}
}

/* The last finding says how many had no room. */
TEST(findings_without_room_are_counted)
{
	char after[40 * 64] = "";
	static struct verdict v;
	const int lines = 40;
	const char *last;
	int len = 0;
	long rest;

	for (int i = 0; i < lines; i++)
		len += snprintf(after + len, sizeof(after) - len, "%08x-%08xfff : lost\n", i, i);
	verdict_iomem(&v, "", after, false);
	EXPECT_EQ(1, v.wrong);
	ASSERT_EQ((int)ARRAY_SIZE(v.finding), v.nr_findings);
	last = v.finding[v.nr_findings - 1].what;
	rest = strtol(last, NULL, 10);
	EXPECT_NE(NULL, strstr(last, " more findings"));
	EXPECT_EQ(lines, v.nr_findings - 1 + rest);
	EXPECT_FALSE(v.finding[v.nr_findings - 1].known);
}

#define STATUS_HEAD \
	"POINT            STATE   FUNCTION               BY           SEEN   MISSED\n"
#define STATUS_ARMED \
	"target           armed   errpath_target         ftrace          0        0\n"
#define STATUS_DEAD \
	"target_notrace   dead    errpath_target_notrace kprobe          3        0\n"

TEST(dead_points_are_reported)
{
	static struct verdict v;

	verdict_status(&v, STATUS_HEAD STATUS_ARMED);
	EXPECT_EQ(0, v.wrong);
	EXPECT_EQ(0, v.nr_findings);
	/* A line that begins with a blank is a function, not a point. */
	verdict_status(&v, STATUS_HEAD STATUS_ARMED
		       "                         dead    kprobe\n"
		       " target          dead    kprobe\n");
	EXPECT_EQ(0, v.wrong);
	verdict_status(&v, STATUS_HEAD STATUS_ARMED STATUS_DEAD);
	EXPECT_EQ(1, v.wrong);
	ASSERT_EQ(1, v.nr_findings);
	EXPECT_STREQ("point target_notrace is dead", v.finding[0].what);
	EXPECT_FALSE(v.finding[0].known);
	/* A point that was reported after the failure is not reported again at the end. */
	verdict_status(&v, STATUS_HEAD STATUS_DEAD STATUS_ARMED);
	EXPECT_EQ(1, v.wrong);
	EXPECT_EQ(1, v.nr_findings);
}

#define KPROBES_ENABLED "/sys/kernel/debug/kprobes/enabled"

/* All kprobes are switched off while a point is armed by a kprobe. */
FIXTURE(kprobes)
{
	int guard;
};

FIXTURE_SETUP(kprobes)
{
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, arm_nth("target_notrace", 1));
}

FIXTURE_TEARDOWN_PARENT(kprobes)
{
	EXPECT_EQ(0, file_write(KPROBES_ENABLED, "1"));
}

TEST_F(kprobes, switched_off_fail_the_verdict)
{
	static struct verdict v;

	ASSERT_EQ(0, verdict_begin(&v, "kprobes", "", "switched_off_fail_the_verdict"));
	ASSERT_EQ(0, file_write(KPROBES_ENABLED, "0"));
	EXPECT_STREQ("dead", point_state("target_notrace"));
	EXPECT_EQ(KSFT_FAIL, verdict_end(&v));
	EXPECT_EQ(1, v.wrong);
	ASSERT_EQ(1, v.nr_findings);
	EXPECT_STREQ("point target_notrace is dead", v.finding[0].what);
}

TEST_F(kprobes, switched_off_before_disarming_fail_the_verdict)
{
	static struct verdict v;

	ASSERT_EQ(0, verdict_begin(&v, "kprobes", "", "switched_off_before_disarming"));
	ASSERT_EQ(0, file_write(KPROBES_ENABLED, "0"));
	verdict_failed(&v, "target_notrace", "nothing", 0);
	ASSERT_EQ(0, disarm("target_notrace"));
	EXPECT_EQ(KSFT_FAIL, verdict_end(&v));
}

static long dentries(void)
{
	char text[128];

	return file_read("/proc/sys/fs/dentry-state", text, sizeof(text)) > 0 ? atol(text) : -1;
}

/* Otherwise a twin that shrinks caches, because something differs, differs in dentries, too. */
TEST(names_of_shrunk_caches_are_not_kept)
{
	static struct counters now;
	long before;

	/* Shrink each cache: this looks up its directory and a file. */
	ASSERT_EQ(0, counters_settle_and_read(&now));
	counters_settle();
	before = dentries();
	ASSERT_LT(0, before);
	for (int i = 0; i < now.nr; i++)
		counters_shrink(now.at[i].name);
	EXPECT_LT(before, dentries());

	/* All of these dentries are freed. */
	counters_settle();
	EXPECT_EQ(before, dentries());
}

TEST_HARNESS_MAIN
