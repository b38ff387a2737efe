// SPDX-License-Identifier: GPL-2.0
/* Destinations for pages that migrate: allocated, with the contents copied from the sources. */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "migrate.h"

/**
 * batch_init() - allocate the arrays of a batch
 * @b: the batch
 * @nr: number of entries
 *
 * May sleep. The caller calls batch_free() after an error, too.
 *
 * Return: 0 or -ENOMEM.
 */
int batch_init(struct batch *b, unsigned long nr)
{
	b->nr = nr;
	b->src = kvcalloc(nr, sizeof(*b->src), GFP_KERNEL);
	b->dst = kvcalloc(nr, sizeof(*b->dst), GFP_KERNEL);
	return b->src && b->dst ? 0 : -ENOMEM;
}

/**
 * batch_free() - free the arrays of a batch
 * @b: the batch
 *
 * May sleep.
 */
void batch_free(struct batch *b)
{
	kvfree(b->src);
	kvfree(b->dst);
}

static struct folio *system_alloc(unsigned int order)
{
	struct folio *folio = folio_alloc(order ? GFP_TRANSHUGE : GFP_HIGHUSER_MOVABLE, order);

	if (folio)
		folio_lock(folio);
	return folio;
}

static void entry_drop(unsigned long *entry)
{
	struct folio *folio;

	if (!*entry)
		return;
	folio = page_folio(migrate_pfn_to_page(*entry));
	*entry = 0;
	folio_unlock(folio);
	folio_put(folio);
}

/* Copy a page. @from is NULL for memory that was never written. */
static void copy_contents(struct page *to, struct page *from)
{
	bool to_device = is_device_private_page(to);

	if (!from && to_device)
		memset(pool_contents(to), 0, PAGE_SIZE);
	else if (!from)
		clear_highpage(to);
	else if (to_device)
		memcpy_from_page(pool_contents(to), from, 0, PAGE_SIZE);
	else if (is_device_private_page(from))
		memcpy_to_page(to, 0, pool_contents(from), PAGE_SIZE);
	else
		copy_highpage(to, from);
}

/* Fill entry @at with one destination of @order for the pages from @from on. */
static int entry_fill(const struct batch *b, unsigned long at, struct page *from,
		      unsigned int order)
{
	struct folio *folio = b->to_device ? pool_alloc(order) : system_alloc(order);
	unsigned long i;

	if (!folio)
		return -ENOMEM;
	for (i = 0; i < BIT(order); i++)
		copy_contents(folio_page(folio, i), from ? from + i : NULL);
	b->dst[at] = migrate_pfn(folio_pfn(folio));
	if (order)
		b->dst[at] |= COMPAT_MIGRATE_PFN_COMPOUND;
	return 0;
}

/* Fill the destinations of the page at @at: one huge one, or one for each 4k page. */
static int candidate_fill(const struct batch *b, unsigned long at)
{
	struct page *from = migrate_pfn_to_page(b->src[at]);
	unsigned long nr = batch_pages_at(b->src[at]), i;
	int err = 0;

	if (nr > 1 && b->huge)
		return entry_fill(b, at, from, HUGE_ORDER);
	for (i = 0; i < nr && !err; i++)
		err = entry_fill(b, at + i, from ? from + i : NULL, 0);
	return err;
}

/**
 * batch_fill() - allocate and fill the destinations of all pages that can migrate
 * @b: the batch, with the sources that the kernel collected
 *
 * Fills all destinations or none: for a huge page, migrate_vma_pages() does not check whether
 * each of its 4k destinations exists. May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int batch_fill(const struct batch *b)
{
	unsigned long i;
	int err = 0;

	for (i = 0; i < b->nr && !err; i += batch_pages_at(b->src[i]))
		if (b->src[i] & MIGRATE_PFN_MIGRATE)
			err = candidate_fill(b, i);
	for (i = 0; i < b->nr && err; i++)
		entry_drop(&b->dst[i]);
	return err;
}
