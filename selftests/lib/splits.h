/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_SPLITS_H
#define LIB_SPLITS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * What splits a huge PMD. Each works on pages SPLIT_FIRST to SPLIT_END of a huge
 * page at @mem, if it does not need all of that.
 */
#define SPLIT_PAGE	4096UL
#define SPLIT_PAGES	512
#define SPLIT_FIRST	5
#define SPLIT_END	8

struct split {
	char *mem;		/* one huge page, and what is with it: */
	char *spare;		/* as much room */
	pid_t holder;		/* a child that shares it */
	int uffd;
	int ring;		/* that pins it */
};

/* A byte in each page says which it is. */
void split_mark(struct split *s);
/* Pages from @first to @end that are not as marked. */
int split_wrong(const char *mem, int first, int end);
bool split_zero(const char *mem, int first, int end);

/* Before: 0 or -errno. */
int split_prepare_thp(struct split *s);
int split_prepare_zero(struct split *s);
int split_prepare_shared(struct split *s);
int split_prepare_pinned(struct split *s);
int split_prepare_wp(struct split *s);
int split_prepare_wp_async(struct split *s);
int split_prepare_move(struct split *s);
/* Afterwards: mem and spare are empty again, nobody holds any of it. */
int split_discard(struct split *s);

/* 0 or -errno. */
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

/* A page that is a hole in the address space, or a guard. */
bool split_faults(const char *page);

#endif
