// SPDX-License-Identifier: GPL-2.0
/* A huge page that no huge PMD maps any longer: its folio is split without a page table. */
#include <sys/mman.h>

#include "lib/harness_parts.h"

#include "lib/knobs.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#include "lazy/operation.h"

#define ROUNDS 200	/* one page lost in each round exceeds the noise */

FIXTURE(unneeded)
{
	char *all;
	struct split s;
	int guard;
};

FIXTURE_SETUP(unneeded)
{
	const char *reason = lazy_unavailable();

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, thp_hold_khugepaged(true));
	self->all = lazy_map(3);
	ASSERT_NE(NULL, self->all);
	self->s = (struct split){
		.mem = self->all + thp_size(),
		.spare = self->all + 2 * thp_size(),
		.ring = -1,
		.uffd = -1,
	};
	ASSERT_EQ(0, knob_set(POINT, "verbose", "0"));
	ASSERT_EQ(0, arm_times(POINT, 0));
}

FIXTURE_TEARDOWN(unneeded)
{
	disarm(POINT);
	split_discard(&self->s);
	thp_unmap(self->all, 3);
	thp_hold_khugepaged(false);
}

/*
 * Splits a folio that PTEs map, while the next @times allocations of page tables fail.
 * Returns 0 or -errno.
 */
static int split_mapped_by_ptes(struct split *s, int times)
{
	/* Not protected by split_mprotect(), and therefore in another mapping. */
	char *page = s->mem + 100 * SPLIT_PAGE;
	int err = split_discard(s) ?: split_prepare_thp(s);

	if (!err)
		err = split_mprotect(s) ?: lazy_fail(times);
	if (!err && madvise(page, SPLIT_PAGE, MADV_COLD))
		err = -errno;
	if (!err)
		err = lazy_fail(0);
	if (err)
		return err;
	return split_wrong(s->mem, 0, SPLIT_PAGES) ? -EILSEQ : 0;
}

TEST_F(unneeded, table_is_given_back)
{
	struct verdict v;
	struct stats now;
	long failed, kb, folios;

	/* Split one folio before the counters are read. */
	ASSERT_EQ(0, split_mapped_by_ptes(&self->s, 0));
	ASSERT_EQ(0, split_discard(&self->s));
	VERDICT_BEGIN(&v, "");
	failed = vmstat_value("thp_split_pmd_failed");
	folios = vmstat_value("thp_split_page");
	kb = status_kb("VmPTE");

	/* Split folios: half of them with failures, which they must not notice. */
	for (int i = 0; i < ROUNDS; i++)
		ASSERT_EQ(0, split_mapped_by_ptes(&self->s, i % 2 ? -1 : 0));
	EXPECT_EQ(folios + ROUNDS, vmstat_value("thp_split_page"));
	ASSERT_EQ(0, stats_read(POINT, &now));
	EXPECT_LE(ROUNDS / 2, now.injected);
	EXPECT_EQ(now.injected, stats_site(POINT, "try_to_migrate_one"));
	EXPECT_EQ(failed, vmstat_value("thp_split_pmd_failed"));

	/* The page tables that were allocated in vain must be free. */
	ASSERT_EQ(0, split_discard(&self->s));
	EXPECT_EQ(kb, status_kb("VmPTE"));
	verdict_failed(&v, POINT, "split of a folio that no huge PMD maps", ROUNDS);
	VERDICT_END(&v);
}
