// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is read before it is written, discarded, or populated: its content, how much
 * of it is mapped in this process, and how much of it exists. QEMU relies on this when it
 * keeps the memory of a guest sparse that it receives in a migration.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define HARNESS_PAGE_SIZE 4096
#include "lib/harness.h"

#include "lib/counters.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22	/* since 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

#define POINT "pmd_split"
#define PAGE 4096UL
#define HUGE (2UL << 20)
#define KB(size) ((long)((size) / 1024))
#define SEED 9

#define NR_HUGEPAGES "/proc/sys/vm/nr_hugepages"

struct area {
	char *mem;
	size_t size;
	int fd;			/* -1: none */
	char pages[32];		/* nr_hugepages before */
	/* Counters before the area had any pages, in kB or pages. */
	long resident;
	long shmem;
	long nr_shmem;
	long huge_free;
};

/* A kind of memory. */
struct backing {
	size_t page;
	size_t size;
	bool shared;
	bool huge;
	int (*open)(void);	/* returns a file; NULL: anonymous memory */
};

static int open_memfd(void)
{
	return memfd_create("zero_page", MFD_CLOEXEC);
}

static int open_hugetlb(void)
{
	return memfd_create("zero_page", MFD_CLOEXEC | MFD_HUGETLB);
}

static int open_tmpfs(void)
{
	return open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static const struct backing anonymous = {
	.page = PAGE, .size = 128 * PAGE,
};

static const struct backing anonymous_shared = {
	.page = PAGE, .size = 128 * PAGE, .shared = true,
};

static const struct backing memfd = {
	.page = PAGE, .size = 128 * PAGE, .shared = true, .open = open_memfd,
};

static const struct backing tmpfs = {
	.page = PAGE, .size = 128 * PAGE, .shared = true, .open = open_tmpfs,
};

static const struct backing hugetlb = {
	.page = HUGE, .size = 2 * HUGE, .shared = true,
	.huge = true, .open = open_hugetlb,
};

/* Returns the kB mapped in this process. A shared page counts fully in each mapping. */
static long resident_kb(void)
{
	return rollup_kb("Rss") + rollup_kb("Shared_Hugetlb") +
	       rollup_kb("Private_Hugetlb");
}

/* Reserves as many more huge pages as the area needs. Returns a skip reason, or NULL. */
static const char *reserve_huge(struct area *a)
{
	char text[32];
	long before;

	if (file_read(NR_HUGEPAGES, a->pages, sizeof(a->pages)) < 0)
		return "this kernel has no hugetlb";
	before = strtol(a->pages, NULL, 10);
	snprintf(text, sizeof(text), "%ld", before + (long)(a->size / HUGE));
	if (meminfo_kb("Hugepagesize") != KB(HUGE))
		return "hugetlb has no pages of 2 MiB";
	file_write(NR_HUGEPAGES, text);
	if (meminfo_kb("HugePages_Total") < before + (long)(a->size / HUGE))
		return "too little memory for huge pages";
	return NULL;
}

/* Maps the area and reads the counters. Returns a skip reason, or NULL. */
static const char *area_map(struct area *a, const struct backing *b)
{
	int flags = b->shared ? MAP_SHARED : MAP_PRIVATE;
	const char *reason;

	a->size = b->size;
	reason = b->huge ? reserve_huge(a) : NULL;
	if (reason)
		return reason;
	a->fd = b->open ? b->open() : -1;
	if (b->open && (a->fd < 0 || ftruncate(a->fd, a->size)))
		return "this kernel has no such file";
	/* Lock all other memory, so that only the area changes the counters. */
	if (mlockall(MCL_CURRENT))
		return "mlockall() fails";
	a->mem = mmap(NULL, a->size, PROT_READ | PROT_WRITE,
		      flags | (b->open ? 0 : MAP_ANONYMOUS), a->fd, 0);
	if (a->mem == MAP_FAILED)
		return "mmap() fails";
	if (!b->huge)
		madvise(a->mem, a->size, MADV_NOHUGEPAGE);
	counters_settle();
	resident_kb();
	a->resident = resident_kb();
	a->shmem = meminfo_kb("Shmem");
	a->nr_shmem = vmstat_value("nr_shmem");
	a->huge_free = meminfo_kb("HugePages_Free");
	return NULL;
}

static void area_unmap(struct area *a)
{
	if (a->mem && a->mem != MAP_FAILED)
		munmap(a->mem, a->size);
	if (a->fd >= 0)
		close(a->fd);
	if (a->pages[0])
		file_write(NR_HUGEPAGES, a->pages);
}

static long file_kb(const struct area *a)
{
	struct stat st;

	return a->fd < 0 || fstat(a->fd, &st) ? -1 : st.st_blocks / 2;
}

static int differs(const char *what, long seen, long expected)
{
	if (seen == expected)
		return 0;
	printf("# %s: %ld, not %ld\n", what, seen, expected);
	return 1;
}

/*
 * Returns how many counters do not show that @resident bytes of the area are mapped in
 * this process and that @existing bytes of it exist, and prints each.
 */
static int area_wrong(const struct area *a, const struct backing *b, size_t resident,
		      size_t existing)
{
	const long shmem = b->shared && !b->huge ? KB(existing) : 0;
	int n = differs("kB resident", resident_kb() - a->resident, KB(resident));

	if (a->fd >= 0)
		n += differs("kB of the file", file_kb(a), KB(existing));
	if (b->huge)
		n += differs("huge pages", a->huge_free - meminfo_kb("HugePages_Free"),
			     existing / HUGE);
	counters_settle();
	n += differs("kB Shmem", meminfo_kb("Shmem") - a->shmem, shmem);
	n += differs("kB nr_shmem", 4 * (vmstat_value("nr_shmem") - a->nr_shmem), shmem);
	return n;
}

#define EXPECT_AREA(resident, existing) \
	EXPECT_EQ(0, area_wrong(&self->area, variant->backing, resident, existing))

/* Operates on every second page, which must not change the others. */
static int each_second(struct area *a, size_t page,
		       int (*operate)(struct area *a, size_t at, size_t page))
{
	int err = 0;

	for (size_t at = 0; at < a->size && !err; at += 2 * page)
		err = operate(a, at, page);
	return err;
}

/* Returns the wrong bytes, where every second page must read as zero if @zeroed. */
static size_t second_wrong(const struct area *a, size_t page, bool zeroed)
{
	size_t wrong = 0;

	for (size_t at = 0; at < a->size; at += 2 * page) {
		const char *odd = a->mem + at + page;

		wrong += zeroed ? !is_zero(a->mem + at, page) :
			 pattern_wrong(a->mem + at, page, SEED + at);
		wrong += pattern_wrong(odd, page, SEED + at + page);
	}
	return wrong;
}

static int fill(struct area *a, size_t at, size_t page)
{
	pattern_fill(a->mem + at, page, SEED + at);
	return 0;
}

static void fill_all(struct area *a, size_t page)
{
	for (size_t at = 0; at < a->size; at += page)
		fill(a, at, page);
}

static int dontneed(struct area *a, size_t at, size_t page)
{
	return madvise(a->mem + at, page, MADV_DONTNEED) ? -errno : 0;
}

static int remove_page(struct area *a, size_t at, size_t page)
{
	return madvise(a->mem + at, page, MADV_REMOVE) ? -errno : 0;
}

static int punch(struct area *a, size_t at, size_t page)
{
	return fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, page) ?
	       -errno : 0;
}

FIXTURE(zero_page)
{
	struct area area;
};

FIXTURE_VARIANT(zero_page)
{
	const struct backing *backing;
};

FIXTURE_VARIANT_ADD(zero_page, anonymous)
{
	.backing = &anonymous,
};

FIXTURE_VARIANT_ADD(zero_page, anonymous_shared)
{
	.backing = &anonymous_shared,
};

FIXTURE_VARIANT_ADD(zero_page, memfd)
{
	.backing = &memfd,
};

FIXTURE_VARIANT_ADD(zero_page, tmpfs)
{
	.backing = &tmpfs,
};

FIXTURE_VARIANT_ADD(zero_page, hugetlb)
{
	.backing = &hugetlb,
};

FIXTURE_SETUP(zero_page)
{
	const char *reason = area_map(&self->area, variant->backing);

	if (reason)
		SKIP(return, "%s", reason);
}

FIXTURE_TEARDOWN(zero_page)
{
	area_unmap(&self->area);
}

/* Private anonymous memory maps the zero page, which counts nowhere; a file gets pages. */
TEST_F(zero_page, reading_a_hole)
{
	const struct backing *b = variant->backing;

	EXPECT_AREA(0, 0);
	EXPECT_TRUE(is_zero(self->area.mem, b->size));
	EXPECT_AREA(b->shared * b->size, b->shared * b->size);
}

/* Private memory is lost. Shared memory is still in the file. */
TEST_F(zero_page, dontneed)
{
	const struct backing *b = variant->backing;

	fill_all(&self->area, b->page);
	EXPECT_AREA(b->size, b->shared * b->size);
	ASSERT_EQ(0, each_second(&self->area, b->page, dontneed));
	EXPECT_AREA(b->size / 2, b->shared * b->size);
	EXPECT_EQ(0, second_wrong(&self->area, b->page, !b->shared));
	EXPECT_AREA(b->shared ? b->size : b->size / 2, b->shared * b->size);
}

/* For a part of a hugetlb page: ignored without an error at its start, refused elsewhere. */
TEST_F(zero_page, dontneed_of_4k)
{
	const struct backing *b = variant->backing;
	const size_t gone = b->huge ? 0 : PAGE;

	fill_all(&self->area, b->page);
	EXPECT_EQ(0, dontneed(&self->area, 0, PAGE));
	EXPECT_AREA(b->size - gone, b->shared * b->size);
	EXPECT_EQ(b->huge ? -EINVAL : 0, dontneed(&self->area, PAGE, PAGE));
	EXPECT_AREA(b->size - 2 * gone, b->shared * b->size);
	EXPECT_EQ(b->shared, !is_zero(self->area.mem, PAGE));
	EXPECT_EQ(b->shared, !is_zero(self->area.mem + PAGE, PAGE));
}

/* Makes a hole in the file. Without a file it is refused and changes nothing. */
TEST_F(zero_page, remove)
{
	const struct backing *b = variant->backing;
	const size_t left = b->shared ? b->size / 2 : b->size;

	fill_all(&self->area, b->page);
	EXPECT_EQ(b->shared ? 0 : -EINVAL,
		  each_second(&self->area, b->page, remove_page));
	EXPECT_AREA(left, b->shared * left);
	EXPECT_EQ(0, second_wrong(&self->area, b->page, b->shared));
	EXPECT_AREA(b->size, b->shared * b->size);
}

TEST_F(zero_page, populate_read)
{
	const struct backing *b = variant->backing;

	ASSERT_EQ(0, madvise(self->area.mem, b->size, MADV_POPULATE_READ));
	EXPECT_AREA(b->shared * b->size, b->shared * b->size);
	EXPECT_TRUE(is_zero(self->area.mem, b->size));
}

TEST_F(zero_page, populate_write)
{
	const struct backing *b = variant->backing;

	ASSERT_EQ(0, madvise(self->area.mem, b->size, MADV_POPULATE_WRITE));
	EXPECT_AREA(b->size, b->shared * b->size);
	EXPECT_TRUE(is_zero(self->area.mem, b->size));
}

/* Populating must not change pages that exist. */
TEST_F(zero_page, populate_keeps_content)
{
	const struct backing *b = variant->backing;

	fill_all(&self->area, b->page);
	ASSERT_EQ(0, madvise(self->area.mem, b->size, MADV_POPULATE_READ));
	ASSERT_EQ(0, madvise(self->area.mem, b->size, MADV_POPULATE_WRITE));
	EXPECT_AREA(b->size, b->shared * b->size);
	EXPECT_EQ(0, second_wrong(&self->area, b->page, false));
}

/* Operations that need a file. */
FIXTURE(zero_file)
{
	struct area area;
};

FIXTURE_VARIANT(zero_file)
{
	const struct backing *backing;
};

FIXTURE_VARIANT_ADD(zero_file, memfd)
{
	.backing = &memfd,
};

FIXTURE_VARIANT_ADD(zero_file, tmpfs)
{
	.backing = &tmpfs,
};

FIXTURE_VARIANT_ADD(zero_file, hugetlb)
{
	.backing = &hugetlb,
};

FIXTURE_SETUP(zero_file)
{
	const char *reason = area_map(&self->area, variant->backing);

	if (reason)
		SKIP(return, "%s", reason);
}

FIXTURE_TEARDOWN(zero_file)
{
	area_unmap(&self->area);
}

TEST_F(zero_file, pread_of_a_hole_makes_nothing)
{
	const struct backing *b = variant->backing;
	static char buf[PAGE];

	for (size_t at = 0; at < b->size; at += PAGE) {
		memset(buf, 0xa5, PAGE);
		ASSERT_EQ(PAGE, pread(self->area.fd, buf, PAGE, at));
		ASSERT_TRUE(is_zero(buf, PAGE));
	}
	EXPECT_AREA(0, 0);
}

TEST_F(zero_file, punch_hole)
{
	const struct backing *b = variant->backing;

	fill_all(&self->area, b->page);
	ASSERT_EQ(0, each_second(&self->area, b->page, punch));
	EXPECT_AREA(b->size / 2, b->size / 2);
	EXPECT_EQ(0, second_wrong(&self->area, b->page, true));
	EXPECT_AREA(b->size, b->size);
}

static void fill_thp(char *mem)
{
	for (size_t at = 0; at < thp_size(); at += PAGE)
		pattern_fill(mem + at, PAGE, SEED + at);
}

/* Returns how many pages differ from what fill_thp() wrote, without the page at @skip. */
static size_t thp_wrong(const char *mem, size_t skip)
{
	size_t n = 0;

	for (size_t at = 0; at < thp_size(); at += PAGE)
		n += at != skip && pattern_wrong(mem + at, PAGE, SEED + at);
	return n;
}

static int dontneed_4k(char *mem, size_t at)
{
	return madvise(mem + at, PAGE, MADV_DONTNEED) ? -errno : 0;
}

FIXTURE(thp)
{
	char *mem;
	int guard;
};

FIXTURE_SETUP(thp)
{
	const char *reason = thp_unavailable();

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, thp_hold_khugepaged(true));
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
	self->mem = thp_map(1);
	ASSERT_NE(NULL, self->mem);
	fill_thp(self->mem);
	ASSERT_EQ(KB(thp_size()), smaps_kb(self->mem, thp_size(), "AnonHugePages"));
	resident_kb();
}

FIXTURE_TEARDOWN(thp)
{
	thp_unmap(self->mem, 1);
	thp_hold_khugepaged(false);
}

TEST_F(thp, dontneed_of_4k)
{
	const size_t at = thp_size() / 2;
	long before = resident_kb();

	ASSERT_EQ(0, dontneed_4k(self->mem, at));
	EXPECT_EQ(before - KB(PAGE), resident_kb());
	EXPECT_EQ(0, smaps_kb(self->mem, thp_size(), "AnonHugePages"));
	EXPECT_TRUE(is_zero(self->mem + at, PAGE));
	EXPECT_EQ(0, thp_wrong(self->mem, at));
}

/*
 * If the split gets no memory for its page table, the page cannot be zeroed: madvise() must
 * return an error.
 */
TEST_F(thp, lazy_dontneed_of_4k_fails)
{
	const size_t at = thp_size() / 2;
	struct verdict v;
	struct stats s;
	long before;
	int err;

	if (!thp_is_lazy())
		SKIP(return, "this kernel deposits the page table of a huge PMD");

	/* Fail the split. */
	VERDICT_BEGIN(&v, "");
	before = resident_kb();
	ASSERT_EQ(0, arm_nth(POINT, 1));
	err = dontneed_4k(self->mem, at);
	ASSERT_EQ(0, disarm(POINT));
	ASSERT_EQ(0, stats_read(POINT, &s));
	EXPECT_EQ(1, s.injected);

	/* The huge page must be whole, and the error returned. */
	EXPECT_EQ(before, resident_kb());
	EXPECT_EQ(KB(thp_size()), smaps_kb(self->mem, thp_size(), "AnonHugePages"));
	EXPECT_EQ(0, thp_wrong(self->mem, SIZE_MAX));
	EXPECT_EQ(-ENOMEM, verdict_errno(&v, "dontneed", err, -ENOMEM));
	verdict_failed(&v, POINT, "MADV_DONTNEED of 4 KiB of a THP", s.injected);

	/* Discard the page without failures, and make a new huge page. */
	EXPECT_EQ(0, dontneed_4k(self->mem, at));
	EXPECT_TRUE(is_zero(self->mem + at, PAGE));
	EXPECT_EQ(0, thp_wrong(self->mem, at));
	ASSERT_EQ(0, thp_renew(self->mem, 1));
	fill_thp(self->mem);
	verdict_recovered(&v, "the same with success, and a new THP");
	VERDICT_END(&v);
}

TEST_HARNESS_MAIN
