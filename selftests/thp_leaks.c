// SPDX-License-Identifier: GPL-2.0
/* Leaks of failed operations on huge pages that are too small to be seen after one failure. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define HARNESS_PAGE_SIZE 4096
#include "lib/harness.h"

#include "lib/cgroup.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/slopes.h"
#include "lib/thp.h"
#include "lib/verdict.h"

#define SEED 5
#define PAGE 4096

/* The operations start with a huge page at @mem. They return 0 or -errno. */
static int fork_and_wait(char *mem)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child)
		_exit(0);
	waitpid(child, &status, 0);
	return mem && status ? -EPROTO : 0;
}

static int populate(char *mem)
{
	madvise(mem, thp_size(), MADV_DONTNEED);
	return madvise(mem, thp_size(), MADV_POPULATE_WRITE) ? -errno : 0;
}

static int split_by_cold(char *mem)
{
	return madvise(mem + PAGE, PAGE, MADV_COLD) ? -errno : 0;
}

static int split_by_free(char *mem)
{
	return madvise(mem + PAGE, PAGE, MADV_FREE) ? -errno : 0;
}

FIXTURE(leaks)
{
	char *mem;
	int guard;
};

FIXTURE_VARIANT(leaks)
{
	const char *name;
	const char *operation;
	const char *point;
	const char *function;	/* knob of the point; NULL: all functions */
	int (*operate)(char *mem);
	int err;		/* what @operate returns when it fails */
};

FIXTURE_VARIANT_ADD(leaks, fork)
{
	.name = "fork",
	.operation = "fork() with a THP",
	.point = "pmd_split",
	.operate = fork_and_wait,
	.err = -ENOMEM,
};

FIXTURE_VARIANT_ADD(leaks, fault)
{
	.name = "fault",
	.operation = "MADV_POPULATE_WRITE of a THP",
	.point = "pmd_split",
	.operate = populate,
	.err = -ENOMEM,
};

FIXTURE_VARIANT_ADD(leaks, cold)
{
	.name = "cold",
	.operation = "MADV_COLD of a part of a THP",
	.point = "folio_split",
	.function = "folio_get_anon_vma",
	.operate = split_by_cold,
};

FIXTURE_VARIANT_ADD(leaks, free)
{
	.name = "free",
	.operation = "MADV_FREE of a part of a THP",
	.point = "folio_split",
	.operate = split_by_free,
};

FIXTURE_SETUP(leaks)
{
	const char *reason = thp_unavailable() ?: point_unavailable(variant->point);

	if (!reason && !strcmp(variant->point, "pmd_split") && thp_is_lazy())
		reason = "this kernel deposits no page tables";
	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, thp_hold_khugepaged(true));
	self->mem = thp_map(1);
	ASSERT_NE(NULL, self->mem);
	if (variant->function)
		ASSERT_EQ(0, knob_set(variant->point, "function", "%s", variant->function));
}

FIXTURE_TEARDOWN(leaks)
{
	thp_unmap(self->mem, 1);
	thp_hold_khugepaged(false);
}

struct operation {
	char *mem;
	const char *point;
	int (*operate)(char *mem);
	int err;
};

/*
 * The point stays armed, because arming takes longer than an operation; the knob times
 * decides whether the next call fails. Nothing is mapped before and after. Returns 0 if
 * the operation returned @expected, or -errno.
 */
static int operate(const struct operation *op, const char *times, int expected)
{
	int err;

	*op->mem = SEED;
	err = knob_set(op->point, "times", "%s", times);
	if (err)
		return err;
	err = op->operate(op->mem);
	if (err != expected)
		return err ?: -EPROTO;
	return thp_renew(op->mem, 1);
}

static int succeed(void *arg)
{
	return operate(arg, "0", 0);
}

static int fail(void *arg)
{
	const struct operation *op = arg;

	return operate(op, "1", op->err);
}

TEST_F_TIMEOUT(leaks, hundreds_of_failures, 60)
{
	struct operation operation = {
		.mem = self->mem,
		.point = variant->point,
		.operate = variant->operate,
		.err = variant->err,
	};
	const struct slopes_operation op = {
		.clean = succeed,
		.failing = fail,
		.arg = &operation,
		.rounds = 1,
		.nr_clean = 30,
		.nr_failing = 400,
	};
	const long failures = op.rounds * op.nr_failing;
	struct verdict v;
	struct slopes s;
	struct stats n;

	ASSERT_EQ(0, knob_set(variant->point, "verbose", "0"));
	ASSERT_EQ(0, arm_times(variant->point, 0));

	/* Repeat it until every CPU holds free objects of each kind. */
	for (int i = 0; i < op.nr_clean; i++) {
		ASSERT_EQ(0, succeed(&operation));
		ASSERT_EQ(0, fail(&operation));
	}
	ASSERT_EQ(0, slopes_prepare());
	VERDICT_BEGIN(&v, variant->name);

	/* Fail the operation, in turn with clean ones. */
	ASSERT_EQ(0, slopes_measure(&op, &s));
	ASSERT_EQ(0, stats_read(variant->point, &n));
	EXPECT_EQ(op.nr_clean + failures, n.injected);
	EXPECT_EQ(0, n.missed);
	verdict_failed(&v, variant->point, variant->operation, failures);
	verdict_slopes(&v, &s);

	/* Do it without failures. */
	EXPECT_EQ(0, succeed(&operation));
	ASSERT_EQ(0, disarm(variant->point));
	verdict_recovered(&v, "the same with success");
	VERDICT_END(&v);
}

/* The kernel frees a removed cgroup only when the last reference to it is dropped. */
#define GROUP "thp_leaks"
#define POINT "folio_split"

FIXTURE(memcg)
{
	int guard;
};

FIXTURE_SETUP(memcg)
{
	const char *reason = thp_unavailable() ?: point_unavailable(POINT);
	int err;

	if (reason)
		SKIP(return, "%s", reason);
	self->guard = guard_open();
	ASSERT_LE(0, self->guard);
	ASSERT_EQ(0, thp_hold_khugepaged(true));
	err = cgroup_open();
	if (err == -ENOENT)
		SKIP(return, "no memory controller of cgroup v2");
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, cgroup_make(GROUP));
}

FIXTURE_TEARDOWN_PARENT(memcg)
{
	cgroup_remove(GROUP);
	thp_hold_khugepaged(false);
}

/* Splits a huge page @times times in a child, whose memory is charged to the cgroup. */
static int split_in_group(int times)
{
	pid_t child = fork();
	int status = -1;
	char *mem;

	if (!child) {
		if (cgroup_enter(GROUP))
			_exit(1);
		mem = thp_map(1);
		if (!mem)
			_exit(2);
		*mem = SEED;
		if (smaps_kb(mem, thp_size(), "AnonHugePages") * 1024 != (long)thp_size())
			_exit(3);
		for (; times > 0; times--)
			split_by_cold(mem);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return status;
}

/* Waits for removed cgroups to be freed. Returns how many are still referred to, or -errno. */
static long cgroups_dying(void)
{
	long n = -1;

	for (int i = 0; i < 50 && n; i++) {
		n = cgroups_removed();
		if (n <= 0)
			return n;
		file_write("/proc/sys/vm/drop_caches", "3");
		usleep(100000);
	}
	return n;
}

TEST_F(memcg, goes_with_its_last_process)
{
	static const char * const functions[] = {
		"folio_get_anon_vma", "can_split_folio", "folio_check_splittable",
	};
	int err, failures = 0;
	struct stats s;

	/* Remove a cgroup without failures. */
	ASSERT_EQ(0, split_in_group(0));
	ASSERT_EQ(0, cgroup_remove(GROUP));
	ASSERT_EQ(0, cgroups_dying());

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		err = knob_set(POINT, "function", "%s", functions[i]) ?: arm_times(POINT, 1);
		if (err == -ENODEV)
			continue;

		/* Fail the split in this function. */
		ASSERT_EQ(0, err);
		ASSERT_EQ(0, cgroup_make(GROUP));
		EXPECT_EQ(0, split_in_group(1));
		ASSERT_EQ(0, disarm(POINT));
		ASSERT_EQ(0, stats_read(POINT, &s));
		EXPECT_EQ(1, s.injected);

		/* Remove the cgroup. */
		EXPECT_EQ(0, cgroup_remove(GROUP));
		EXPECT_EQ(0, cgroups_dying()) {
			TH_LOG("removed cgroups still referred to, after %s() failed",
			       functions[i]);
		}
		failures++;
	}
	EXPECT_LE(1, failures);
}

TEST_HARNESS_MAIN
