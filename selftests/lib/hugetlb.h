/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HUGETLB_H
#define LIB_HUGETLB_H

#include <stdbool.h>

/* Returns why huge pages of this kernel cannot give up their memmap, or NULL. */
const char *hugetlb_unavailable(void);

/* Sets whether huge pages that join the pool give up their memmap. Returns 0 or -errno. */
int hugetlb_optimize(bool on);

/*
 * Grows or shrinks the pool to @pages huge pages. A pool that cannot get them is no error: see
 * hugetlb_pool(). Returns 0 or -errno.
 */
int hugetlb_resize(long pages);

struct hugetlb_pool {
	long total;		/* surplus pages included */
	long unused;
	long surplus;
};

/* Returns 0 or -errno. */
int hugetlb_pool(struct hugetlb_pool *pool);

#endif
