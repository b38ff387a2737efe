// SPDX-License-Identifier: GPL-2.0
/*
 * Grows and empties a pool of huge pages, which give up their memmap in the pool and get it back
 * when they leave it.
 */
#include <errno.h>

#include "lib/hugetlb.h"
#include "lib/sweep.h"

#define PAGES 8L

static int prepare(void)
{
	return hugetlb_optimize(true);
}

/* Resizing a pool reports no lack of memory: it has another size then. */
static int resize(long pages)
{
	struct hugetlb_pool pool;
	int err = hugetlb_resize(pages);

	err = err ?: hugetlb_pool(&pool);
	if (!err && pool.total != pages)
		err = -ENOMEM;
	return err;
}

/* Pages that got no memmap stay as surplus pages, which leave the pool only as others do. */
static int recover(void)
{
	int err = hugetlb_resize(PAGES);

	return err ?: hugetlb_resize(0);
}

static int run(struct sweep_run *r)
{
	int err = sweep_step(r, "grow", resize(PAGES));

	err = err ?: sweep_step(r, "empty", resize(0));
	if (err)
		recover();	/* a pool of another size is no loss */
	return err;
}

SWEEP_OPERATION(hugetlb) = {
	.name = "hugetlb",
	.what = "a pool of huge pages without most of their memmap grows, and is emptied",
	.unavailable = hugetlb_unavailable,
	.prepare = prepare,
	.run = run,
	.recover = recover,
	.scope = "stack:nr_hugepages_store",
};
