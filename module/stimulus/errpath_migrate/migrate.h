/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files of errpath_migrate, in layers. A file calls functions of lower layers only:
 *
 *   main.c    requests of user space, and debugfs
 *   device.c  brings pages of the device back: CPU faults, eviction
 *   batch.c   allocates and fills the destinations of pages that migrate
 *   pool.c    memory of the simulated device
 */
#ifndef MIGRATE_H
#define MIGRATE_H

#include <linux/memremap.h>
#include <linux/mm.h>

#include "../../common/compat.h"

/* Can this kernel migrate huge pages without splitting them? Kernels for PREEMPT_RT have none. */
#define HAVE_HUGE	(COMPAT_MIGRATE_PFN_COMPOUND && IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
#define HUGE_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define HUGE_PAGES	BIT(HUGE_ORDER)

/**
 * struct batch - pages that migrate together
 * @src: entries of the pages, as the kernel collected them
 * @dst: entries of their destinations
 * @nr: number of entries in each array
 * @to_device: true if the destinations are device memory
 * @huge: true if a huge page gets a huge destination
 */
struct batch {
	unsigned long *src;
	unsigned long *dst;
	unsigned long nr;
	bool to_device;
	bool huge;
};

/* The number of pages of an entry in batch.src: a huge page has its first entry only. */
static inline unsigned long batch_pages_at(unsigned long entry)
{
	return entry & COMPAT_MIGRATE_PFN_COMPOUND ? HUGE_PAGES : 1;
}

int batch_init(struct batch *b, unsigned long nr);
void batch_free(struct batch *b);
int batch_fill(const struct batch *b);

#ifdef COMPAT_DEVICE_PRIVATE
#define HAVE_DEVICE	1
#define POOL_SIZE	SZ_8M
#define POOL_PAGES	(POOL_SIZE >> PAGE_SHIFT)

int pool_init(const struct dev_pagemap_ops *ops);
void pool_exit(void);
unsigned long pool_used(void);
int pool_walk(int (*action)(unsigned long pfn, unsigned long nr));
void *pool_contents(struct page *page);
struct folio *pool_alloc(unsigned int order);
void pool_free(struct folio *folio);

int device_init(void);
int device_evict(void);
#else
#define HAVE_DEVICE	0
#define POOL_PAGES	0

static inline void pool_exit(void)
{
}

static inline unsigned long pool_used(void)
{
	return 0;
}

static inline void *pool_contents(struct page *page)
{
	return NULL;
}

static inline struct folio *pool_alloc(unsigned int order)
{
	return NULL;
}

static inline int device_init(void)
{
	return 0;
}

static inline int device_evict(void)
{
	return -EOPNOTSUPP;
}
#endif /* COMPAT_DEVICE_PRIVATE */

#endif /* MIGRATE_H */
