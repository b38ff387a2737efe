// SPDX-License-Identifier: GPL-2.0
/*
 * Memory moves as device drivers move it, by migrate_vma_setup(), _pages() and
 * _finalize(). What cannot be split or has no page table stays where it is, and
 * a driver's process may die in the midst of it.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/harness.h"

#include "lib/file.h"
#include "lib/kmsg.h"
#include "lib/knobs.h"
#include "lib/migrate.h"
#include "lib/module.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#define MODULE "errpath_migrate"
#define SEED 1
#define PAGE 4096UL
#define PAGES 512
#define SIZE (PAGES * PAGE)
#define TABLE_KB 4
#define ROUNDS 200	/* a page lost in each is more than noise */

/* What is there before it is migrated. */
enum source {
	HUGE,		/* a THP with a pattern */
	SMALL,		/* 4k pages with a pattern */
	HOLE,		/* nothing */
	HUGE_ZERO,	/* the huge zero page */
};

/* Where each page is, by its page table. */
struct shape {
	unsigned long pagemap[PAGES];
	long huge_kb;
	long pte_kb;
};

#define PM_PRESENT	(1UL << 63)
#define PM_SWAP		(1UL << 62)	/* device memory, too */
#define PM_PFN		((1UL << 55) - 1)
#define PM_PLACE	(PM_PRESENT | PM_SWAP | PM_PFN)

static void shape_read(const char *mem, struct shape *s)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (pread(fd, s->pagemap, sizeof(s->pagemap),
		  (uintptr_t)mem / PAGE * sizeof(*s->pagemap)) != sizeof(s->pagemap))
		memset(s->pagemap, 0xff, sizeof(s->pagemap));
	close(fd);
	for (int i = 0; i < PAGES; i++)
		s->pagemap[i] &= PM_PLACE;
	s->huge_kb = smaps_kb(mem, SIZE, "AnonHugePages");
	s->pte_kb = status_kb("VmPTE");
}

/* How many pages are where they were. */
static int shape_same(const struct shape *a, const struct shape *b)
{
	int same = 0;

	for (int i = 0; i < PAGES; i++)
		same += a->pagemap[i] == b->pagemap[i];
	return same;
}

static int shape_count(const struct shape *s, unsigned long flag)
{
	int n = 0;

	for (int i = 0; i < PAGES; i++)
		n += !!(s->pagemap[i] & flag);
	return n;
}

/* Between two guards: a mapping of its own in smaps. */
static char *map_aligned(void)
{
	char *mem = mmap(NULL, 3 * SIZE, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return mem == MAP_FAILED ? NULL : (char *)(((uintptr_t)mem + SIZE) & ~(SIZE - 1));
}

/* As new, without a page table: MADV_DONTNEED would leave that. */
static void leave_hole(char *mem)
{
	mmap(mem, SIZE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void prepare_empty(char *mem, enum source source)
{
	leave_hole(mem);
	madvise(mem, SIZE, source == SMALL ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
}

static void prepare(char *mem, enum source source)
{
	prepare_empty(mem, source);
	if (source == HUGE || source == SMALL)
		pattern_fill(mem, SIZE, SEED);
	if (source == HUGE_ZERO)
		madvise(mem, SIZE, MADV_POPULATE_READ);
}

static bool is_intact(const char *mem, enum source source)
{
	return source == HUGE || source == SMALL ? !pattern_wrong(mem, SIZE, SEED) :
						   is_zero(mem, SIZE);
}

static bool is_thp(enum source source)
{
	return source == HUGE || source == HUGE_ZERO;
}

/* Why this kernel cannot, NULL if it can. */
static const char *cannot(const char *how, enum source source)
{
	if (is_thp(source) && thp_unavailable())
		return thp_unavailable();
	if (strstr(how, "device") && !migrate_can("device"))
		return "this kernel has no device-private memory (CONFIG_DEVICE_PRIVATE, 6.19 on)";
	if ((strstr(how, "2m") || strstr(how, "compound")) && !migrate_can("2m"))
		return "this kernel migrates no huge pages whole (6.19 on), or has none";
	return NULL;
}

static const char *load(void)
{
	int err = module_load(MODULE, "");

	if (err == -ENOENT)
		return "no " MODULE ".ko: this kernel lacks CONFIG_DEVICE_MIGRATION";
	return err && err != -EEXIST ? strerror(-err) : NULL;
}

/*
 * Pages wait for the LRU in batches of each CPU, with a reference that makes them
 * no candidates; migrate_vma_setup() is sure to empty only those of its own CPU.
 */
static void stay_on_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* The range, and all that is allocated once: page tables above it, the huge zero page. */
static char *map_warm(const char *how, enum source source)
{
	char *mem = map_aligned();
	struct migration m;

	if (!mem)
		return NULL;
	stay_on_cpu();
	if (!thp_unavailable() && thp_hold_khugepaged(true))
		return NULL;
	prepare(mem, HUGE_ZERO);
	prepare(mem, source);
	migrate(mem, SIZE, how, &m);
	leave_hole(mem);
	return mem;
}

static int unload(void)
{
	return module_loaded(MODULE) ? module_unload(MODULE) : 0;
}

/* Of /proc/kpageflags or /proc/kpagecount; all ones where that cannot be read. */
static unsigned long page_word(const char *file, unsigned long pfn)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	unsigned long word;

	if (pread(fd, &word, sizeof(word), pfn * sizeof(word)) != sizeof(word))
		word = -1;
	close(fd);
	return word;
}

/* Which pages were no candidates, when that is not as expected: somebody else held them. */
static void tell_refused(const struct migration *m)
{
	static struct shape s;
	int told = 0;

	shape_read(m->start, &s);
	for (int i = 0; m->pages[i] && told < 8; i++) {
		unsigned long pfn = s.pagemap[i] & PM_PFN;

		if (m->pages[i] == '-' && ++told)
			printf("# page %d (%#lx) is no candidate: kpageflags %#lx, mapcount %ld\n",
			       i, pfn, page_word("/proc/kpageflags", pfn),
			       page_word("/proc/kpagecount", pfn));
	}
}

#define EXPECT_MIGRATION(expected_candidates, expected_compound, expected_migrated, m) do { \
	const struct migration *__m = (m); \
	const long wanted = (expected_candidates); \
	if (__m->candidates != wanted) \
		tell_refused(__m); \
	EXPECT_EQ(wanted, __m->candidates); \
	EXPECT_EQ(expected_compound, __m->compound); \
	EXPECT_EQ(expected_migrated, __m->migrated); \
} while (0)

/* Without failures. */
FIXTURE(moves)
{
	char *mem;
};

FIXTURE_VARIANT(moves)
{
	const char *name;
	enum source source;
	const char *how;
	int compound;
	long huge_kb;		/* afterwards */
};

FIXTURE_VARIANT_ADD(moves, small_to_4k)
{
	.name = "small_to_4k",
	.source = SMALL,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(moves, hole_to_4k)
{
	.name = "hole_to_4k",
	.source = HOLE,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(moves, thp_to_4k)
{
	.name = "thp_to_4k",
	.source = HUGE,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(moves, thp_zero_to_4k)
{
	.name = "thp_zero_to_4k",
	.source = HUGE_ZERO,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(moves, whole_thp_to_4k)
{
	.name = "whole_thp_to_4k",
	.source = HUGE,
	.how = "system 4k compound",
	.compound = 1,
};

FIXTURE_VARIANT_ADD(moves, whole_zero_to_4k)
{
	.name = "whole_zero_to_4k",
	.source = HUGE_ZERO,
	.how = "system 4k compound",
	.compound = 1,
};

FIXTURE_VARIANT_ADD(moves, whole_thp_to_2m)
{
	.name = "whole_thp_to_2m",
	.source = HUGE,
	.how = "system 2m",
	.compound = 1,
	.huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(moves, whole_zero_to_2m)
{
	.name = "whole_zero_to_2m",
	.source = HUGE_ZERO,
	.how = "system 2m",
	.compound = 1,
	.huge_kb = SIZE / 1024,
};

FIXTURE_SETUP(moves)
{
	const char *why = load();

	why = why ?: cannot(variant->how, variant->source);
	if (why)
		SKIP(return, "%s", why);
	self->mem = map_warm(variant->how, variant->source);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN_PARENT(moves)
{
	EXPECT_EQ(0, unload());
}

TEST_F(moves, all_pages)
{
	static struct shape before, after;
	struct migration m;

	prepare(self->mem, variant->source);
	shape_read(self->mem, &before);

	EXPECT_EQ(0, migrate(self->mem, SIZE, variant->how, &m));
	EXPECT_MIGRATION(PAGES, variant->compound, PAGES, &m);

	shape_read(self->mem, &after);
	EXPECT_EQ(0, shape_same(&before, &after));
	EXPECT_EQ(PAGES, shape_count(&after, PM_PRESENT));
	EXPECT_EQ(variant->huge_kb, after.huge_kb);
	EXPECT_TRUE(is_intact(self->mem, variant->source));
}

/* To the device, and back. */
FIXTURE(device)
{
	char *mem;
};

FIXTURE_VARIANT(device)
{
	enum source source;
	const char *there;
	int compound;
	const char *back;	/* NULL: by touch */
	long huge_kb;		/* then */
};

FIXTURE_VARIANT_ADD(device, small_by_touch)
{
	.source = SMALL,
	.there = "device 4k",
};

FIXTURE_VARIANT_ADD(device, hole_by_touch)
{
	.source = HOLE,
	.there = "device 4k",
};

FIXTURE_VARIANT_ADD(device, whole_thp_in_4k_by_touch)
{
	.source = HUGE,
	.there = "device 4k compound",
	.compound = 1,
};

FIXTURE_VARIANT_ADD(device, thp_by_touch)
{
	.source = HUGE,
	.there = "device 2m",
	.compound = 1,
	.huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(device, zero_by_touch)
{
	.source = HUGE_ZERO,
	.there = "device 2m",
	.compound = 1,
	.huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(device, small_evicted)
{
	.source = SMALL,
	.there = "device 4k",
	.back = "evict",
};

FIXTURE_VARIANT_ADD(device, thp_evicted)
{
	.source = HUGE,
	.there = "device 2m",
	.compound = 1,
	.back = "evict",
	.huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(device, small_fetched)
{
	.source = SMALL,
	.there = "device 4k",
	.back = "system 4k",
};

FIXTURE_VARIANT_ADD(device, thp_fetched)
{
	.source = HUGE,
	.there = "device 2m",
	.compound = 1,
	.back = "system 2m",
	.huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(device, whole_thp_fetched_in_4k)
{
	.source = HUGE,
	.there = "device 2m",
	.compound = 1,
	.back = "system 4k compound",
};

FIXTURE_SETUP(device)
{
	const char *why = load();

	why = why ?: cannot(variant->there, variant->source);
	if (why)
		SKIP(return, "%s", why);
	self->mem = map_warm(variant->there, variant->source);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN_PARENT(device)
{
	EXPECT_EQ(0, unload());
}

TEST_F(device, and_back)
{
	static struct shape shape;
	struct migration m;

	prepare(self->mem, variant->source);
	EXPECT_EQ(0, migrate(self->mem, SIZE, variant->there, &m));
	EXPECT_MIGRATION(PAGES, variant->compound, PAGES, &m);
	shape_read(self->mem, &shape);
	EXPECT_EQ(PAGES, shape_count(&shape, PM_SWAP));
	EXPECT_EQ(0, shape_count(&shape, PM_PRESENT));
	EXPECT_EQ(PAGES, migrate_device_used());

	if (variant->back && !strcmp(variant->back, "evict")) {
		EXPECT_EQ(0, migrate_evict());
	} else if (variant->back) {
		EXPECT_EQ(0, migrate(self->mem, SIZE, variant->back, &m));
		EXPECT_MIGRATION(PAGES, variant->compound, PAGES, &m);
	}
	if (variant->back)
		EXPECT_EQ(0, migrate_device_used());
	EXPECT_TRUE(is_intact(self->mem, variant->source));

	EXPECT_EQ(0, migrate_device_used());
	shape_read(self->mem, &shape);
	EXPECT_EQ(PAGES, shape_count(&shape, PM_PRESENT));
	EXPECT_EQ(0, shape_count(&shape, PM_SWAP));
	EXPECT_EQ(variant->huge_kb, shape.huge_kb);
}

/* What fails on the way, and what is there afterwards. */
FIXTURE(fails)
{
	char *mem;
	int guard;
};

FIXTURE_VARIANT(fails)
{
	const char *name;
	const char *operation;
	enum source source;
	const char *first;	/* where it is taken before */
	const char *how;
	const char *point;
	const char *function;	/* of the point; all */
	const char *caller;	/* the point's */
	enum { EITHER, DEPOSIT, LAZY } tables;	/* of a huge PMD, on kernels that do so */
	int lazy_tables;	/* the PMD stays split, whose table was allocated for that */
	int times;		/* so often each time; 0 is once */
	long candidates;
	long compound;
	long migrated;
	long huge_kb;
	long again_candidates;	/* success at the same place */
	long again_compound;
	long again_huge_kb;
};

/* A THP is to be collected in pieces, and cannot be split. */
FIXTURE_VARIANT_ADD(fails, thp_split)
{
	.name = "thp_split",
	.operation = "migrate_vma_setup() of a THP, to be split",
	.source = HUGE,
	.how = "system 4k",
	.point = "folio_split",
	.huge_kb = SIZE / 1024,
	.again_candidates = PAGES,
};

/* The page table for a hole's first page. */
FIXTURE_VARIANT_ADD(fails, hole_table)
{
	.name = "hole_table",
	.operation = "migrate_vma_pages() into a range without a page table",
	.source = HOLE,
	.how = "system 4k",
	.point = "pmd_split",
	.caller = "__pte_alloc",
	.candidates = PAGES,
	.migrated = PAGES - 1,
	.again_candidates = PAGES,
};

/* A THP was collected whole; for 4k pages it must be split after all. */
FIXTURE_VARIANT_ADD(fails, whole_split)
{
	.name = "whole_split",
	.operation = "migrate_vma_pages() of a THP to 4k pages",
	.source = HUGE,
	.how = "system 4k compound",
	.point = "folio_split",
	.function = "folio_split_unmapped",
	.lazy_tables = 1,
	.candidates = PAGES,
	.compound = 1,
	.again_candidates = PAGES,
};

/* The same, from the device: there it stays until somebody touches it. */
FIXTURE_VARIANT_ADD(fails, whole_split_device)
{
	.name = "whole_split_device",
	.operation = "migrate_vma_pages() of a THP on the device to 4k pages",
	.source = HUGE,
	.first = "device 2m",
	.how = "system 4k compound",
	.point = "folio_split",
	.function = "folio_split_unmapped",
	.lazy_tables = 1,
	.candidates = PAGES,
	.compound = 1,
	.again_candidates = PAGES,
};

/* The deposit for a huge page at the place of the huge zero page, or of nothing. */
FIXTURE_VARIANT_ADD(fails, whole_zero_deposit)
{
	.name = "whole_zero_deposit",
	.operation = "migrate_vma_pages() of the huge zero page to 2 MiB",
	.source = HUGE_ZERO,
	.how = "system 2m",
	.point = "pmd_split",
	.caller = "stack:__migrate_device_pages",
	.tables = DEPOSIT,
	.candidates = PAGES,
	.compound = 1,
	.again_candidates = PAGES,
	.again_compound = 1,
	.again_huge_kb = SIZE / 1024,
};

FIXTURE_VARIANT_ADD(fails, whole_hole_deposit)
{
	.name = "whole_hole_deposit",
	.operation = "migrate_vma_pages() into an empty range, of 2 MiB",
	.source = HOLE,
	.how = "system 2m",
	.point = "pmd_split",
	.caller = "stack:__migrate_device_pages",
	.tables = DEPOSIT,
	.candidates = PAGES,
	.compound = 1,
	.again_candidates = PAGES,
	.again_compound = 1,
	.again_huge_kb = SIZE / 1024,
};

/* Kernels that have no deposit: the page table for the split. */
FIXTURE_VARIANT_ADD(fails, lazy_split)
{
	.name = "lazy_split",
	.operation = "migrate_vma_pages() of a THP to 4k pages",
	.source = HUGE,
	.how = "system 4k compound",
	.point = "pmd_split",
	.tables = LAZY,
	.candidates = PAGES,
	.compound = 1,
	.huge_kb = SIZE / 1024,
	.again_candidates = PAGES,
	.again_compound = 1,
};

/* Each of the pages finds the huge zero page at its place, and must split it. */
FIXTURE_VARIANT_ADD(fails, lazy_zero_split)
{
	.name = "lazy_zero_split",
	.operation = "migrate_vma_pages() of the huge zero page to 4k pages",
	.source = HUGE_ZERO,
	.how = "system 4k compound",
	.point = "pmd_split",
	.tables = LAZY,
	.times = PAGES,
	.candidates = PAGES,
	.compound = 1,
	.again_candidates = PAGES,
	.again_compound = 1,
};

static const char *wrong_kernel(bool lazy)
{
	if (thp_is_lazy() == lazy)
		return NULL;
	return lazy ? "this kernel deposits the page table of a huge PMD" :
		      "this kernel deposits no page table for a huge PMD";
}

FIXTURE_SETUP(fails)
{
	const char *why = point_unavailable(variant->point);

	why = why ?: load();
	why = why ?: cannot(variant->how, variant->source);
	why = why ?: cannot(variant->first ?: "", variant->source);
	if (!why && variant->tables)
		why = wrong_kernel(variant->tables == LAZY);
	if (why)
		SKIP(return, "%s", why);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	self->mem = map_warm(variant->how, variant->source);
	ASSERT_NE(NULL, self->mem);
	if (variant->function &&
	    knob_set(variant->point, "function", "%s", variant->function))
		SKIP(return, "this kernel lacks %s()", variant->function);
	if (variant->caller)
		ASSERT_EQ(0, knob_set(variant->point, "caller", "%s", variant->caller));
	ASSERT_EQ(0, arm_nth(variant->point, 1));
	ASSERT_EQ(0, disarm(variant->point));
}

FIXTURE_TEARDOWN_PARENT(fails)
{
	EXPECT_EQ(0, unload());
}

static int set_scene(char *mem, enum source source, const char *first)
{
	struct migration m;

	prepare(mem, source);
	return first ? migrate(mem, SIZE, first, &m) : 0;
}

/* What one more failure takes; one page tells whether the data is still there. */
struct again {
	char *mem;
	enum source source;
	const char *first;
	const char *how;
	const char *point;
	int times;
	long migrated;
};

static int migrate_failing(const char *mem, const char *how, const char *point,
			   int times, struct migration *m)
{
	int err = knob_set(point, "times", "%d", times);

	err = err ?: migrate(mem, SIZE, how, m);
	return err ?: knob_set(point, "times", "0");
}

static int fail_again(const struct again *a, int round)
{
	char *mark = a->mem + round % PAGES * PAGE;
	struct migration m;
	int err = 0;

	prepare_empty(a->mem, a->source);
	if (a->source == HUGE)
		*mark = round;
	else if (a->source == HUGE_ZERO)
		madvise(a->mem, SIZE, MADV_POPULATE_READ);
	if (a->first)
		err = migrate(a->mem, SIZE, a->first, &m);
	err = err ?: migrate_failing(a->mem, a->how, a->point, a->times, &m);
	if (!err && m.migrated != a->migrated)
		err = -EPROTO;
	if (!err && a->source == HUGE && *mark != (char)round)
		err = -EILSEQ;
	return err;
}

TEST_F(fails, nothing_lost)
{
	const struct again again = {
		.mem = self->mem,
		.source = variant->source,
		.first = variant->first,
		.how = variant->how,
		.point = variant->point,
		.times = variant->times ?: 1,
		.migrated = variant->migrated,
	};
	const int tables = thp_is_lazy() ? variant->lazy_tables : 0;
	static struct shape before, after;
	struct migration m;
	struct verdict v;
	struct stats s;

	VERDICT_BEGIN(&v, variant->name);
	ASSERT_EQ(0, knob_set(variant->point, "verbose", "0"));
	ASSERT_EQ(0, arm_times(variant->point, 0));
	ASSERT_EQ(0, set_scene(self->mem, variant->source, variant->first));
	shape_read(self->mem, &before);
	EXPECT_EQ(0, migrate_failing(self->mem, variant->how, variant->point, again.times, &m));
	EXPECT_MIGRATION(variant->candidates, variant->compound, variant->migrated, &m);
	shape_read(self->mem, &after);
	EXPECT_EQ(PAGES - variant->migrated, shape_same(&before, &after));
	EXPECT_EQ(variant->huge_kb, after.huge_kb);
	if (!variant->migrated)
		EXPECT_EQ(before.pte_kb + TABLE_KB * tables, after.pte_kb);
	EXPECT_TRUE(is_intact(self->mem, variant->source));

	for (int i = 1; i < ROUNDS; i++)
		ASSERT_EQ(0, fail_again(&again, i));
	ASSERT_EQ(0, disarm(variant->point));
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(ROUNDS * again.times, s.injected);
	EXPECT_EQ(0, s.missed);
	leave_hole(self->mem);
	verdict_failed(&v, variant->point, variant->operation, ROUNDS);

	ASSERT_EQ(0, set_scene(self->mem, variant->source, variant->first));
	ASSERT_EQ(0, arm_times(variant->point, 0));
	EXPECT_EQ(0, migrate_failing(self->mem, variant->how, variant->point, again.times, &m));
	ASSERT_EQ(0, disarm(variant->point));
	ASSERT_EQ(0, stats_read(variant->point, &s));
	EXPECT_EQ(again.times, s.injected);
	EXPECT_EQ(0, migrate(self->mem, SIZE, variant->how, &m));
	EXPECT_MIGRATION(variant->again_candidates, variant->again_compound,
			 variant->again_candidates, &m);
	shape_read(self->mem, &after);
	EXPECT_EQ(PAGES, shape_count(&after, PM_PRESENT));
	EXPECT_EQ(variant->again_huge_kb, after.huge_kb);
	EXPECT_TRUE(is_intact(self->mem, variant->source));
	leave_hole(self->mem);
	verdict_recovered(&v, "the same with success, where it had failed");
	VERDICT_END(&v);
}

/* A driver's process dies. */
FIXTURE(killed)
{
	char *mem;
};

FIXTURE_VARIANT(killed)
{
	const char *name;
	enum source source;
	const char *how;
};

FIXTURE_VARIANT_ADD(killed, small_to_4k)
{
	.name = "small_to_4k",
	.source = SMALL,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(killed, thp_to_4k)
{
	.name = "thp_to_4k",
	.source = HUGE,
	.how = "system 4k",
};

FIXTURE_VARIANT_ADD(killed, whole_thp_to_2m)
{
	.name = "whole_thp_to_2m",
	.source = HUGE,
	.how = "system 2m",
};

FIXTURE_VARIANT_ADD(killed, whole_thp_to_device)
{
	.name = "whole_thp_to_device",
	.source = HUGE,
	.how = "device 2m",
};

FIXTURE_SETUP(killed)
{
	const char *why = load();

	why = why ?: cannot(variant->how, variant->source);
	if (why)
		SKIP(return, "%s", why);
	self->mem = map_warm(variant->how, variant->source);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN_PARENT(killed)
{
	EXPECT_EQ(0, unload());
}

/* Sleeping as nothing but a kill ends it. */
static bool sleeps(pid_t pid)
{
	char path[64], text[512], state = '?';

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read(path, text, sizeof(text)) > 0)
		sscanf(text, "%*d (%*[^)]) %c", &state);
	return state == 'D';
}

static int migrate_for_good(char *mem, enum source source, const char *how)
{
	struct migration m;
	int err = 0;

	while (!err) {
		prepare(mem, source);
		err = migrate(mem, SIZE, how, &m);
		err = err ?: migrate(mem, SIZE, "system 4k", &m);
	}
	return err;
}

static int kill_and_wait(pid_t child)
{
	int status = 0;

	kill(child, SIGKILL);
	if (waitpid(child, &status, 0) != child)
		return -errno;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#define PAUSE_MS 20000
#define KILLS 10

TEST_F(killed, nothing_lost)
{
	struct timespec from, to;
	struct verdict v;
	pid_t child;

	ASSERT_EQ(0, unload());
	ASSERT_EQ(NULL, load());
	VERDICT_BEGIN(&v, variant->name);

	/* With its pages unmapped. */
	ASSERT_EQ(0, migrate_pause(PAUSE_MS));
	child = fork();
	if (!child)
		_exit(migrate_for_good(self->mem, variant->source, variant->how));
	for (int i = 0; i < 1000 && !sleeps(child); i++)
		usleep(10000);
	EXPECT_TRUE(sleeps(child));
	EXPECT_EQ(-EAGAIN, unload());
	clock_gettime(CLOCK_MONOTONIC, &from);
	EXPECT_EQ(SIGKILL, kill_and_wait(child));
	clock_gettime(CLOCK_MONOTONIC, &to);
	EXPECT_GT(PAUSE_MS / 1000 / 2, to.tv_sec - from.tv_sec);

	/* At any time. */
	ASSERT_EQ(0, migrate_pause(0));
	for (int i = 0; i < KILLS; i++) {
		child = fork();
		if (!child)
			_exit(migrate_for_good(self->mem, variant->source, variant->how));
		usleep(10000 + i * 3000);
		EXPECT_EQ(SIGKILL, kill_and_wait(child));
	}

	EXPECT_EQ(0, unload());
	EXPECT_EQ(NULL, load());
	verdict_recovered(&v, "process killed, module unloaded and loaded again");
	VERDICT_END(&v);
}

/* A process holds pages of the device. */
FIXTURE(device_holder)
{
	char *mem;
};

FIXTURE_SETUP(device_holder)
{
	const char *why = load();

	why = why ?: cannot("device 2m", HUGE);
	if (why)
		SKIP(return, "%s", why);
	self->mem = map_warm("device 2m", HUGE);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN_PARENT(device_holder)
{
	EXPECT_EQ(0, unload());
}

static void hold_device(char *mem, int told)
{
	struct migration m;

	prepare(mem, HUGE);
	migrate(mem, SIZE, "device 2m", &m);
	if (write(told, "", 1) == 1)
		pause();
	_exit(1);
}

TEST_F(device_holder, keeps_module)
{
	pid_t child;
	int fd[2];
	char c;

	ASSERT_EQ(0, pipe(fd));
	child = fork();
	if (!child)
		hold_device(self->mem, fd[1]);
	ASSERT_EQ(1, read(fd[0], &c, 1));
	EXPECT_EQ(PAGES, migrate_device_used());
	EXPECT_EQ(-EAGAIN, unload());
	EXPECT_EQ(SIGKILL, kill_and_wait(child));
	EXPECT_EQ(0, migrate_device_used());
	EXPECT_EQ(0, unload());
}

FIXTURE(input)
{
	char *mem;
};

FIXTURE_SETUP(input)
{
	const char *why = load();

	if (why)
		SKIP(return, "%s", why);
	self->mem = map_warm("system 4k", SMALL);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN_PARENT(input)
{
	EXPECT_EQ(0, unload());
}

/* Told by errno and by a line in the log. */
TEST_F(input, wrong)
{
	static const char * const words[] = {
		"", "system", "2m system", "system 4k whole", "system 4k compound 4k", "disk 4k",
	};
	const int log = kmsg_open();
	struct migration m;
	int wrong = 0;

	ASSERT_LE(0, log);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++, wrong++)
		EXPECT_EQ(-EINVAL, migrate(self->mem, SIZE, words[i], &m));
	EXPECT_EQ(-EINVAL, migrate(self->mem + 1, SIZE, "system 4k", &m));
	EXPECT_EQ(-EINVAL, migrate(self->mem, PAGE / 2, "system 4k", &m));
	EXPECT_EQ(-EINVAL, migrate(self->mem, 0, "system 4k", &m));
	EXPECT_EQ(-EINVAL, migrate(self->mem, 1UL << 40, "system 4k", &m));
	EXPECT_EQ(-EINVAL, migrate(NULL, SIZE, "system 4k", &m));
	EXPECT_EQ(-EINVAL, migrate(self->mem, 2 * SIZE, "system 4k", &m));
	EXPECT_EQ(-EINVAL, file_write("/sys/kernel/debug/errpath_migrate/evict", "some"));
	EXPECT_EQ(wrong + 7, kmsg_count(log, "errpath_migrate: "));
	close(log);
}

TEST_HARNESS_MAIN
