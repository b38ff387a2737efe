/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LAZY_OPERATION_H
#define LAZY_OPERATION_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/splits.h"

#define POINT "pmd_split"

/* What a successful operation does to its part of the huge page. */
enum lazy_part {
	PART_SAME,
	PART_ZERO,	/* it reads as zero */
	PART_GONE,	/* it cannot be read */
	PART_MOVED,	/* it is at the same place in the spare memory */
};

/* What an operation needs besides a huge page. */
enum lazy_need {
	LAZY_PLAIN,
	LAZY_SWAP,
	LAZY_MEMCG,
};

/**
 * struct lazy_operation - an operation that splits a huge PMD
 * @name: the variant of the test
 * @operation: the same in words, for the evidence
 * @prepare: populates the memory
 * @operate: does it; both return 0 or -errno
 * @err: what @operate returns when the split gets no page table
 * @site: the function that is to be the direct caller of the failed allocation
 * @inlined_in: the function that @site is inlined in on some kernels
 * @above: another function on the stack of that allocation, or NULL
 * @part: what success does
 * @needs: what must be set up first
 * @zero_page: the huge PMD maps the huge zero page
 * @splits_folio: the kernel splits the folio, and counts the failure of that, too
 * @forks: two processes do it at the same time rather than two threads, which would
 *	disturb each other
 * @tables: page tables that success adds, besides that of the split
 * @option: the kernel options without which @prepare or @operate fail, or NULL
 */
struct lazy_operation {
	const char *name;
	const char *operation;
	int (*prepare)(struct split *s);
	int (*operate)(struct split *s);
	int err;
	const char *site;
	const char *inlined_in;
	const char *above;
	enum lazy_part part;
	enum lazy_need needs;
	bool zero_page;
	bool splits_folio;
	bool forks;
	int tables;
	const char *option;
};

const struct lazy_operation *lazy_operation_find(const char *name);

/* Returns true if the huge page reads as it was prepared. */
bool lazy_is_whole(const struct lazy_operation *op, const struct split *s);

/* Returns true if the part of the huge page is as @op says, and the rest as it was prepared. */
bool lazy_is_done(const struct lazy_operation *op, const struct split *s);

/* Returns a reason to skip the tests, or NULL. */
const char *lazy_unavailable(void);

/*
 * Maps memory for @n huge pages. The page tables above them, and that of the first, exist
 * already: what the tests count later is only what they add.
 */
char *lazy_map(int n);

/* Fails the next @times allocations, -1 for all. Returns 0 or -errno. */
int lazy_fail(int times);

#define LAZY_WORKS 60

/*
 * Does the operation LAZY_WORKS times on both of @s at the same time. Failures with the
 * expected errno are right. Returns how many times something was wrong, or an errno.
 */
int lazy_work_by_two(const struct lazy_operation *op, struct split s[2]);

/* Creates and joins a thread, whose stack stays for the next one. Returns 0 or an errno. */
int lazy_warm_thread(void);

#endif
