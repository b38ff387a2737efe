/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_REQUEST_H
#define ERRPATH_REQUEST_H

#include <linux/types.h>

struct kmem_cache;
struct arch_regs;
struct seq_file;

/**
 * struct request_args - arguments of an allocator that hold the gfp flags and the size
 * @gfp: number of the argument with the gfp flags, counted from 0
 * @size: number of the argument with the size
 * @count: number of a second argument of the size, for some units
 * @unit: unit of the size; REQUEST_NONE: the function is not an allocator
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
		REQUEST_PFNS,	/* page frame numbers from @size up to @count */
		REQUEST_CACHE,	/* one object of the struct kmem_cache @size */
		REQUEST_KMALLOC,	/* bytes of the struct kmem_cache, argument 0 */
		REQUEST_OBJECTS,	/* @count objects of the struct kmem_cache @size */
	} unit;
};

/**
 * struct request_filter - limits of the requests that can fail
 * @gfp_require: gfp flags that must all be set
 * @gfp_reject: gfp flags of which none may be set
 * @min_order: least order of the pages that hold the request
 * @max_order: greatest order
 * @min_size: least size in bytes
 * @max_size: greatest size in bytes
 * @cache: slab cache of the objects; NULL: any, and what is no object
 */
struct request_filter {
	unsigned long gfp_require;
	unsigned long gfp_reject;
	unsigned long min_order;
	unsigned long max_order;
	unsigned long min_size;
	unsigned long max_size;
	const struct kmem_cache *cache;
};

/**
 * struct request_seen - the request of one call
 * @bytes: size
 * @gfp: gfp flags
 * @is_known: false: the function is not an allocator
 * @in_interrupt: an interrupt made the call
 * @by_memalloc: the task has PF_MEMALLOC: it uses reserves and does not reclaim memory
 */
struct request_seen {
	unsigned long bytes;
	gfp_t gfp;
	bool is_known;
	bool in_interrupt;
	bool by_memalloc;
};

void request_filter_init(struct request_filter *filter);
bool request_matches(const struct request_filter *filter, const struct request_args *args,
		     struct arch_regs *regs);
int request_weight(const struct request_args *args, struct arch_regs *regs);
void request_read(const struct request_args *args, struct arch_regs *regs,
		  struct request_seen *seen);
void request_show(const struct request_seen *seen, struct seq_file *seq);
int request_parse_gfp(char *text, unsigned long *flags);

#endif /* ERRPATH_REQUEST_H */
