/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_SPLITS_H
#define LIB_SPLITS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Operations that split a huge PMD. Each works on the pages from SPLIT_FIRST to SPLIT_END of a
 * huge page at @mem, if it does not need the whole huge page.
 */
#define SPLIT_PAGE	4096UL
#define SPLIT_PAGES	512
#define SPLIT_FIRST	5
#define SPLIT_END	8

struct split {
	char *mem;		/* a huge page */
	char *spare;		/* a mapping of the same size */
	pid_t holder;		/* child that shares the huge page */
	int uffd;		/* at which it is registered */
	int ring;		/* io_uring that pins it */
};

/* Writes a byte into each page that depends on its number. */
void split_mark(struct split *s);
/* Returns how many pages from @first to @end do not have their mark. */
int split_wrong(const char *mem, int first, int end);
/* Returns whether the place of the mark is zero in all pages from @first to @end. */
bool split_zero(const char *mem, int first, int end);

/* Make the huge page, and what the operation needs. Return 0 or -errno. */
int split_prepare_thp(struct split *s);
int split_prepare_zero(struct split *s);
int split_prepare_shared(struct split *s);
int split_prepare_pinned(struct split *s);
int split_prepare_wp(struct split *s);
int split_prepare_wp_async(struct split *s);
int split_prepare_move(struct split *s);
/* Ends all users of the huge page, and makes mem and spare empty. Returns 0 or -errno. */
int split_discard(struct split *s);

/* The operations. Return 0 or -errno. */
int split_mprotect(struct split *s);
int split_munmap(struct split *s);
int split_mmap_over(struct split *s);
int split_mlock(struct split *s);
int split_mbind(struct split *s);
int split_mremap(struct split *s);
int split_dontneed(struct split *s);
int split_free(struct split *s);
int split_cold(struct split *s);
int split_pageout(struct split *s);
int split_dontfork(struct split *s);
int split_guard(struct split *s);
int split_populate(struct split *s);
int split_fork(struct split *s);
int split_wp(struct split *s);
int split_move(struct split *s);
int split_scan(struct split *s);
int split_swap(struct split *s);
int split_reclaim(struct split *s);

/* Returns whether the page cannot be read: a hole in the address space, or a guard. */
bool split_faults(const char *page);

#endif
