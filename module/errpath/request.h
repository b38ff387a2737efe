/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_REQUEST_H
#define ERRPATH_REQUEST_H

#include <linux/types.h>

struct pt_regs;

/**
 * struct request_args - where an allocator's entry point says what is asked for
 * @gfp: number of the argument with the gfp flags
 * @size: number of the argument that tells the size
 * @count: number of the argument that goes with it, for some units
 * @unit: what that counts; REQUEST_NONE: the function is no allocator
 */
struct request_args {
	u8 gfp;
	u8 size;
	u8 count;
	enum request_unit {
		REQUEST_NONE,
		REQUEST_BYTES,
		REQUEST_PAGES,
		REQUEST_ORDER,
		REQUEST_PFNS,	/* page frames from @size up to @count */
		REQUEST_CACHE,	/* an object of this struct kmem_cache */
		REQUEST_OBJECTS,	/* @count objects of it */
	} unit;
};

/**
 * struct request_filter - which requests are meant
 * @gfp_require: all of these gfp flags are set
 * @gfp_reject: and none of these
 * @min_order: of the pages that would hold it
 * @max_order: likewise
 * @min_size: in bytes
 * @max_size: likewise
 */
struct request_filter {
	unsigned long gfp_require;
	unsigned long gfp_reject;
	unsigned long min_order;
	unsigned long max_order;
	unsigned long min_size;
	unsigned long max_size;
};

void request_filter_init(struct request_filter *filter);
bool request_matches(const struct request_filter *filter, const struct request_args *args,
		     struct pt_regs *regs);
int request_weight(const struct request_args *args, struct pt_regs *regs);
int request_parse_gfp(char *text, unsigned long *flags);

#endif /* ERRPATH_REQUEST_H */
