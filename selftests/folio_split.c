// SPDX-License-Identifier: GPL-2.0
/*
 * The split of a large folio fails, in each of the functions in which this kernel can
 * fail it. The operation must return what it returns for a folio in use, the folio must
 * stay whole, and the next operation must split it.
 */
#include <fcntl.h>
#include <sys/mman.h>

#define HARNESS_PAGE_SIZE 4096
#include "lib/harness.h"

#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#define POINT "folio_split"
#define SEED 3
#define PAGE 4096
#define WHERE (5 * PAGE)	/* a page inside the folio */

static int advise_cold(char *mem)
{
	return madvise(mem + WHERE, PAGE, MADV_COLD) ? -errno : 0;
}

static int advise_pageout(char *mem)
{
	return madvise(mem + WHERE, PAGE, MADV_PAGEOUT) ? -errno : 0;
}

static int advise_free(char *mem)
{
	return madvise(mem + WHERE, PAGE, MADV_FREE) ? -errno : 0;
}

/* Only one page is named: the kernel tries to split the folio for each of them. */
static int split_by_debugfs(char *mem)
{
	char text[128];

	snprintf(text, sizeof(text), "%d,0x%lx,0x%lx", getpid(), (long)mem,
		 (long)mem + PAGE);
	return file_write("/sys/kernel/debug/split_huge_pages", text);
}

static const char * const split_functions[] = {
	"folio_get_anon_vma", "can_split_folio", "folio_check_splittable",
};

/* Arms one function. Returns 0, -ENODEV if this kernel lacks the function, or -errno. */
static int arm_function(const char *function)
{
	int err = knob_set(POINT, "function", "%s", function);

	return err ?: arm_nth(POINT, 1);
}

FIXTURE(folio_split)
{
	char *mem;
	int guard;
};

FIXTURE_VARIANT(folio_split)
{
	const char *name;
	const char *operation;
	int (*operate)(char *mem);
};

FIXTURE_VARIANT_ADD(folio_split, cold)
{
	.name = "cold",
	.operation = "MADV_COLD of a part of a THP",
	.operate = advise_cold,
};

FIXTURE_VARIANT_ADD(folio_split, pageout)
{
	.name = "pageout",
	.operation = "MADV_PAGEOUT of a part of a THP",
	.operate = advise_pageout,
};

FIXTURE_VARIANT_ADD(folio_split, free)
{
	.name = "free",
	.operation = "MADV_FREE of a part of a THP",
	.operate = advise_free,
};

FIXTURE_VARIANT_ADD(folio_split, debugfs)
{
	.name = "debugfs",
	.operation = "debugfs split_huge_pages",
	.operate = split_by_debugfs,
};

FIXTURE_SETUP(folio_split)
{
	const char *reason = thp_unavailable() ?: point_unavailable(POINT);

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, thp_hold_khugepaged(true));
	self->mem = thp_map(1);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(folio_split)
{
	thp_unmap(self->mem, 1);
	thp_hold_khugepaged(false);
}

static long huge_kb(const char *mem)
{
	return smaps_kb(mem, thp_size(), "AnonHugePages");
}

static void make_thp(char *mem)
{
	thp_renew(mem, 1);
	pattern_fill(mem, thp_size(), SEED);
}

TEST_F(folio_split, failure_leaves_it_whole)
{
	const long whole = thp_size() / 1024;
	struct verdict v;
	struct stats s;
	int failures = 0;

	/* Make a huge page. */
	make_thp(self->mem);
	ASSERT_EQ(whole, huge_kb(self->mem));
	VERDICT_BEGIN(&v, variant->name);

	for (size_t i = 0; i < ARRAY_SIZE(split_functions); i++) {
		long tables = status_kb("VmPTE");
		long failed = vmstat_value("thp_split_page_failed");
		long split = vmstat_value("thp_split_page");
		int err = arm_function(split_functions[i]);

		if (err == -ENODEV)
			continue;

		/* Fail the split in this function. */
		ASSERT_EQ(0, err);
		EXPECT_EQ(0, variant->operate(self->mem));
		ASSERT_EQ(0, disarm(POINT));
		ASSERT_EQ(0, stats_read(POINT, &s));
		EXPECT_EQ(1, s.injected) {
			TH_LOG("by %s()", split_functions[i]);
		}
		EXPECT_EQ(0, s.missed);

		/* The folio must be whole, and the failure counted. */
		EXPECT_EQ(failed + 1, vmstat_value("thp_split_page_failed"));
		EXPECT_EQ(split, vmstat_value("thp_split_page"));
		EXPECT_EQ(whole, huge_kb(self->mem));
		EXPECT_EQ(tables, status_kb("VmPTE"));
		EXPECT_EQ(0, pattern_wrong(self->mem, thp_size(), SEED));
		failures++;
	}
	EXPECT_LE(1, failures);
	verdict_failed(&v, POINT, variant->operation, failures);

	/* Split it without failures, then make another huge page. */
	EXPECT_EQ(0, variant->operate(self->mem));
	EXPECT_EQ(0, huge_kb(self->mem));
	EXPECT_EQ(0, pattern_wrong(self->mem, thp_size(), SEED));
	make_thp(self->mem);
	EXPECT_EQ(whole, huge_kb(self->mem));
	verdict_recovered(&v, "the same with success");
	VERDICT_END(&v);
}

#define SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define CUT (WHERE + 100)	/* not at the beginning of a page */

/*
 * Truncates a file of one huge page at CUT. Returns 0 if the data before CUT is intact and
 * the rest reads as zero, or -errno.
 */
static int truncate_file(int fd, char *place, long *huge_kb)
{
	char *mem = mmap(place, thp_size(), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0);

	if (mem == MAP_FAILED || madvise(mem, thp_size(), MADV_HUGEPAGE))
		return -errno;
	pattern_fill(mem, thp_size(), SEED);
	*huge_kb = smaps_kb(mem, thp_size(), "ShmemPmdMapped");
	if (ftruncate(fd, CUT) || ftruncate(fd, thp_size()))
		return -errno;
	if (pattern_wrong(mem, CUT, SEED) || !is_zero(mem + CUT, thp_size() - CUT))
		return -EILSEQ;
	return 0;
}

static int truncate_thp(long *huge_kb)
{
	char *place = thp_map(1);
	int fd = memfd_create("folio_split", MFD_CLOEXEC);
	int err = fd < 0 || ftruncate(fd, thp_size()) ? -errno : 0;

	if (!err)
		err = truncate_file(fd, place, huge_kb);
	thp_unmap(place, 1);
	close(fd);
	return err;
}

TEST(shmem_truncate)
{
	const char *reason = thp_unavailable() ?: point_unavailable(POINT);
	const long whole = thp_size() / 1024;
	long failed, split, huge_kb;
	struct verdict v;
	struct stats s;
	int failures = 0;

	if (reason)
		SKIP(return, "%s", reason);

	/* Truncate once without failures. */
	ASSERT_LE(0, guard_open());
	ASSERT_EQ(0, file_write(SHMEM_ENABLED, "advise"));
	ASSERT_EQ(0, truncate_thp(&huge_kb));
	ASSERT_EQ(whole, huge_kb);
	VERDICT_BEGIN(&v, "");

	/* Fail the split in each function but the first: a file has no anon_vma. */
	for (size_t i = 1; i < ARRAY_SIZE(split_functions); i++) {
		int err = arm_function(split_functions[i]);

		if (err == -ENODEV)
			continue;
		ASSERT_EQ(0, err);
		failed = vmstat_value("thp_split_page_failed");
		EXPECT_EQ(0, truncate_thp(&huge_kb));
		EXPECT_EQ(whole, huge_kb);
		ASSERT_EQ(0, disarm(POINT));
		ASSERT_EQ(0, stats_read(POINT, &s));
		EXPECT_EQ(1, s.injected);
		EXPECT_EQ(failed + 1, vmstat_value("thp_split_page_failed"));
		failures++;
	}
	EXPECT_LE(1, failures);
	verdict_failed(&v, POINT, "ftruncate() into a shmem THP", failures);

	/* Truncate without failures: the folio must be split. */
	split = vmstat_value("thp_split_page");
	EXPECT_EQ(0, truncate_thp(&huge_kb));
	EXPECT_EQ(split + 1, vmstat_value("thp_split_page"));
	verdict_recovered(&v, "the same with success");
	VERDICT_END(&v);
	ASSERT_EQ(0, file_write(SHMEM_ENABLED, "never"));
}

TEST(functions_are_chosen)
{
	const char *reason = point_unavailable(POINT);
	char chosen[256];

	if (reason)
		SKIP(return, "%s", reason);

	/* An unknown function is refused, and the default stays. */
	ASSERT_LE(0, guard_open());
	EXPECT_EQ(-EINVAL, knob_set(POINT, "function", "folio_get_anon_vma nonesuch"));
	ASSERT_EQ(0, knob_get(POINT, "function", chosen, sizeof(chosen)));
	EXPECT_STREQ("folio_get_anon_vma\ncan_split_folio\n"
		     "folio_check_splittable\nfolio_split_unmapped", chosen);

	/* While the point is armed, its functions cannot be changed. */
	ASSERT_EQ(0, arm_function("folio_get_anon_vma"));
	EXPECT_EQ(-EBUSY, knob_set(POINT, "function", "%s", ""));
	ASSERT_EQ(0, knob_get(POINT, "function", chosen, sizeof(chosen)));
	EXPECT_STREQ("folio_get_anon_vma", chosen);
}

TEST_HARNESS_MAIN
