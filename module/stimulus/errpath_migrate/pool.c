// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a simulated device. The pages of the device have a physical range without memory
 * behind it. The contents of a page are at the same offset in vmalloc memory, so that the kernel
 * can split a folio of the device without a callback.
 */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "migrate.h"

#ifdef COMPAT_DEVICE_PRIVATE
static struct {
	struct dev_pagemap pgmap;
	struct resource *region;
	void *memory;
	spinlock_t lock;		/* protects used and nr_used */
	DECLARE_BITMAP(used, POOL_PAGES);
	unsigned long nr_used;
} pool = {
	.lock = __SPIN_LOCK_UNLOCKED(pool.lock),
};

static unsigned long pool_base_pfn(void)
{
	return PHYS_PFN(pool.pgmap.range.start);
}

/**
 * pool_contents() - find the contents of a page of the device
 * @page: the page
 *
 * Return: address of the contents.
 */
void *pool_contents(struct page *page)
{
	return pool.memory + ((page_to_pfn(page) - pool_base_pfn()) << PAGE_SHIFT);
}

/* Pages in use hold a reference to the module, which has folio_free and migrate_to_ram. */
static void pool_account(long nr)
{
	lockdep_assert_held(&pool.lock);
	if (!pool.nr_used)
		__module_get(THIS_MODULE);
	pool.nr_used += nr;
	if (!pool.nr_used)
		module_put(THIS_MODULE);
}

/**
 * pool_alloc() - allocate a folio of the device
 * @order: order of the folio
 *
 * Return: the folio, locked and with one reference, as migrate_vma_pages() expects it, or NULL
 * if the device is full.
 */
struct folio *pool_alloc(unsigned int order)
{
	unsigned long nr = BIT(order), at, flags;
	struct folio *folio;

	spin_lock_irqsave(&pool.lock, flags);
	at = bitmap_find_next_zero_area(pool.used, POOL_PAGES, 0, nr, nr - 1);
	if (at < POOL_PAGES) {
		bitmap_set(pool.used, at, nr);
		pool_account(nr);
	}
	spin_unlock_irqrestore(&pool.lock, flags);
	if (at >= POOL_PAGES)
		return NULL;

	folio = page_folio(pfn_to_page(pool_base_pfn() + at));
	zone_device_folio_init(folio, &pool.pgmap, order);
	return folio;
}

/**
 * pool_free() - free a folio of the device
 * @folio: the folio, without references
 */
void pool_free(struct folio *folio)
{
	unsigned long nr = folio_nr_pages(folio), flags;

	spin_lock_irqsave(&pool.lock, flags);
	bitmap_clear(pool.used, folio_pfn(folio) - pool_base_pfn(), nr);
	pool_account(-nr);
	spin_unlock_irqrestore(&pool.lock, flags);
}

/**
 * pool_walk() - call a function for each range of pages in use
 * @action: function to call; may free the pages
 *
 * Return: 0, or the first error of @action, which ends the walk.
 */
int pool_walk(int (*action)(unsigned long pfn, unsigned long nr))
{
	unsigned long start, end;
	int err;

	for_each_set_bitrange(start, end, pool.used, POOL_PAGES) {
		err = action(pool_base_pfn() + start, end - start);
		if (err)
			return err;
	}
	return 0;
}

/**
 * pool_used() - count the pages of the device that are in use
 *
 * Return: their number.
 */
unsigned long pool_used(void)
{
	return READ_ONCE(pool.nr_used);
}

static int pool_map(const struct dev_pagemap_ops *ops)
{
	pool.region = request_free_mem_region(&iomem_resource, POOL_SIZE, KBUILD_MODNAME);
	if (IS_ERR(pool.region))
		return PTR_ERR(pool.region);
	pool.pgmap.type = MEMORY_DEVICE_PRIVATE;
	pool.pgmap.range.start = pool.region->start;
	pool.pgmap.range.end = pool.region->start + POOL_SIZE - 1;
	pool.pgmap.nr_range = 1;
	pool.pgmap.ops = ops;
	pool.pgmap.owner = THIS_MODULE;
	return PTR_ERR_OR_ZERO(memremap_pages(&pool.pgmap, first_online_node));
}

static void pool_release_region(void)
{
	if (!IS_ERR(pool.region))
		release_mem_region(pool.region->start, resource_size(pool.region));
}

/**
 * pool_init() - create the memory of the device
 * @ops: callbacks of the device
 *
 * May sleep.
 *
 * Return: 0, -ENOMEM, or an error of memremap_pages() after a line in the kernel log.
 */
int pool_init(const struct dev_pagemap_ops *ops)
{
	int err;

	pool.memory = vmalloc(POOL_SIZE);
	if (!pool.memory)
		return -ENOMEM;
	err = pool_map(ops);
	if (!err)
		return 0;
	pr_err("the kernel cannot map device memory (%d)\n", err);
	pool_release_region();
	vfree(pool.memory);
	return err;
}

/**
 * pool_exit() - remove the memory of the device
 *
 * No page of it can be in use, because such a page would hold the module. May sleep.
 */
void pool_exit(void)
{
	memunmap_pages(&pool.pgmap);
	pool_release_region();
	vfree(pool.memory);
}
#endif /* COMPAT_DEVICE_PRIVATE */
