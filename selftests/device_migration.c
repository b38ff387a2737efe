// SPDX-License-Identifier: GPL-2.0
/*
 * Memory is migrated as device drivers do it: migrate_vma_setup(), migrate_vma_pages(),
 * migrate_vma_finalize(). Pages that cannot be split, or get no page table, must stay in
 * place. A process that is killed while it migrates must lose nothing.
 *
 * The tests are in migration/: moves.c and device.c inject no failure, failures.c does,
 * and killed.c kills processes. This file tests the input that the module refuses.
 */
#define HARNESS_PAGE_SIZE 4096
#include "lib/file.h"
#include "lib/kmsg.h"

#include "migration/range.h"

FIXTURE(input)
{
	char *mem;
};

FIXTURE_SETUP(input)
{
	const char *reason = migration_load();

	if (reason)
		SKIP(return, "%s", reason);
	self->mem = range_map("system 4k", SMALL);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN_PARENT(input)
{
	EXPECT_EQ(0, migration_unload());
}

/* Each wrong input is refused with -EINVAL and one line in the log. */
TEST_F(input, wrong)
{
	static const char * const words[] = {
		"", "system", "2m system", "system 4k whole", "system 4k compound 4k", "disk 4k",
	};
	const int log = kmsg_open();
	struct migration m;
	int wrong = 0;

	ASSERT_LE(0, log);

	/* Wrong words. */
	for (size_t i = 0; i < ARRAY_SIZE(words); i++, wrong++)
		EXPECT_EQ(-EINVAL, migrate(self->mem, SIZE, words[i], &m));

	/* Wrong addresses and sizes. */
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
