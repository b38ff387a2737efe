// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_migrate: drive migrate_vma_setup(), _pages() and _finalize() as a
 * device's driver does, on memory of the process that writes: to other system
 * memory, or to the memory of a device that is not there (what it holds is in
 * vmalloc memory), from where a CPU's touch, a migration to system memory or
 * evict brings it back.
 *
 * debugfs errpath_migrate/: migrate "START SIZE system|device 4k|2m [compound]",
 * and read from the same open file what became of each page; evict "all";
 * pause_ms; features; device. The kernel's errno is the write's errno. While
 * the device holds pages the module cannot be unloaded.
 */
#include <linux/bitmap.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../common/compat.h"
#include "order.h"

#define HUGE_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define HUGE_PAGES	BIT(HUGE_ORDER)
#define SIZE_LIMIT	SZ_128M

/* So long a migration waits while its pages are unmapped. */
static u32 pause_ms;

/**
 * struct batch - pages to be migrated, and where to
 * @src: what the kernel collected
 * @dst: our destinations
 * @nr: entries of each
 * @to_device: destinations are device memory
 * @huge: a huge page gets a huge destination
 */
struct batch {
	unsigned long *src;
	unsigned long *dst;
	unsigned long nr;
	bool to_device;
	bool huge;
};

static int batch_init(struct batch *b, unsigned long nr)
{
	b->nr = nr;
	b->src = kvcalloc(nr, sizeof(*b->src), GFP_KERNEL);
	b->dst = kvcalloc(nr, sizeof(*b->dst), GFP_KERNEL);
	return b->src && b->dst ? 0 : -ENOMEM;
}

static void batch_free(struct batch *b)
{
	kvfree(b->src);
	kvfree(b->dst);
}

/* Whole; kernels for PREEMPT_RT have none. */
#define HAVE_HUGE	(COMPAT_MIGRATE_PFN_COMPOUND && IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))

/* A huge page has its first entry only. */
static unsigned long pages_at(unsigned long entry)
{
	return entry & COMPAT_MIGRATE_PFN_COMPOUND ? HUGE_PAGES : 1;
}

#ifdef COMPAT_DEVICE_PRIVATE
#define HAVE_DEVICE	1
#define DEVICE_SIZE	SZ_8M
#define DEVICE_PAGES	(DEVICE_SIZE >> PAGE_SHIFT)

/*
 * A page of the device has its contents at the same offset in @memory, so
 * folios of it can be split without a word to us.
 */
static struct {
	struct dev_pagemap pgmap;
	struct resource *region;
	void *memory;
	spinlock_t lock;		/* used, nr_used */
	DECLARE_BITMAP(used, DEVICE_PAGES);
	unsigned long nr_used;
} device = {
	.lock = __SPIN_LOCK_UNLOCKED(device.lock),
};

static unsigned long device_base(void)
{
	return PHYS_PFN(device.pgmap.range.start);
}

static void *device_contents(struct page *page)
{
	return device.memory + ((page_to_pfn(page) - device_base()) << PAGE_SHIFT);
}

/* Pages in use hold the module: folio_free and migrate_to_ram are in it. */
static void device_account(long nr)
{
	lockdep_assert_held(&device.lock);
	if (!device.nr_used)
		__module_get(THIS_MODULE);
	device.nr_used += nr;
	if (!device.nr_used)
		module_put(THIS_MODULE);
}

/* Locked, with one reference, as migrate_vma_pages() takes it. */
static struct folio *device_alloc(unsigned int order)
{
	unsigned long nr = BIT(order), at, flags;
	struct folio *folio;

	spin_lock_irqsave(&device.lock, flags);
	at = bitmap_find_next_zero_area(device.used, DEVICE_PAGES, 0, nr, nr - 1);
	if (at < DEVICE_PAGES) {
		bitmap_set(device.used, at, nr);
		device_account(nr);
	}
	spin_unlock_irqrestore(&device.lock, flags);
	if (at >= DEVICE_PAGES)
		return NULL;

	folio = page_folio(pfn_to_page(device_base() + at));
	zone_device_folio_init(folio, &device.pgmap, order);
	return folio;
}

static void device_free(struct folio *folio)
{
	unsigned long nr = folio_nr_pages(folio), flags;

	spin_lock_irqsave(&device.lock, flags);
	bitmap_clear(device.used, folio_pfn(folio) - device_base(), nr);
	device_account(-nr);
	spin_unlock_irqrestore(&device.lock, flags);
}
#else
#define HAVE_DEVICE	0

static void *device_contents(struct page *page)
{
	return NULL;
}

static struct folio *device_alloc(unsigned int order)
{
	return NULL;
}
#endif /* COMPAT_DEVICE_PRIVATE */

static struct folio *system_alloc(unsigned int order)
{
	struct folio *folio = folio_alloc(order ? GFP_TRANSHUGE : GFP_HIGHUSER_MOVABLE, order);

	if (folio)
		folio_lock(folio);
	return folio;
}

static void drop_entry(unsigned long *entry)
{
	struct folio *folio;

	if (!*entry)
		return;
	folio = page_folio(migrate_pfn_to_page(*entry));
	*entry = 0;
	folio_unlock(folio);
	folio_put(folio);
}

/* No page at the source: memory that was never written. */
static void copy_contents(struct page *to, struct page *from)
{
	bool to_device = is_device_private_page(to);

	if (!from && to_device)
		memset(device_contents(to), 0, PAGE_SIZE);
	else if (!from)
		clear_highpage(to);
	else if (to_device)
		memcpy_from_page(device_contents(to), from, 0, PAGE_SIZE);
	else if (is_device_private_page(from))
		memcpy_to_page(to, 0, device_contents(from), PAGE_SIZE);
	else
		copy_highpage(to, from);
}

/* One destination, of @order, for the pages from @from on. */
static int fill_entry(const struct batch *b, unsigned long at, struct page *from,
		      unsigned int order)
{
	struct folio *folio = b->to_device ? device_alloc(order) : system_alloc(order);
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

static int fill_candidate(const struct batch *b, unsigned long at)
{
	struct page *from = migrate_pfn_to_page(b->src[at]);
	unsigned long nr = pages_at(b->src[at]), i;
	int err = 0;

	if (nr > 1 && b->huge)
		return fill_entry(b, at, from, HUGE_ORDER);
	for (i = 0; i < nr && !err; i++)
		err = fill_entry(b, at + i, from ? from + i : NULL, 0);
	return err;
}

/*
 * All or nothing: given a huge page, migrate_vma_pages() does not look whether
 * each of its 4k destinations is there.
 */
static int fill(const struct batch *b)
{
	unsigned long i;
	int err = 0;

	for (i = 0; i < b->nr && !err; i += pages_at(b->src[i]))
		if (b->src[i] & MIGRATE_PFN_MIGRATE)
			err = fill_candidate(b, i);
	for (i = 0; i < b->nr && err; i++)
		drop_entry(&b->dst[i]);
	return err;
}

#ifdef COMPAT_DEVICE_PRIVATE
static vm_fault_t device_bring_back(struct migrate_vma *args, const struct batch *b)
{
	if (migrate_vma_setup(args))
		return VM_FAULT_SIGBUS;
	if (fill(b)) {
		migrate_vma_finalize(args);
		return VM_FAULT_OOM;
	}
	migrate_vma_pages(args);
	migrate_vma_finalize(args);
	return 0;
}

/*
 * Called with the page locked. What cannot be migrated right now faults again:
 * SIGBUS is for what never can.
 */
static vm_fault_t device_fault(struct vm_fault *vmf)
{
	unsigned long size = vmf->pte ? PAGE_SIZE : PMD_SIZE;
	struct batch b = { .huge = !vmf->pte };
	struct migrate_vma args = {
		.vma = vmf->vma,
		.start = ALIGN_DOWN(vmf->address, size),
		.end = ALIGN_DOWN(vmf->address, size) + size,
		.pgmap_owner = THIS_MODULE,
		.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE,
		.fault_page = vmf->page,
	};
	vm_fault_t ret = VM_FAULT_OOM;

	if (b.huge)
		args.flags |= MIGRATE_VMA_SELECT_COMPOUND;
	if (!batch_init(&b, size >> PAGE_SHIFT)) {
		args.src = b.src;
		args.dst = b.dst;
		ret = device_bring_back(&args, &b);
	}
	batch_free(&b);
	return ret;
}

static const struct dev_pagemap_ops device_ops = {
	.folio_free = device_free,
	.migrate_to_ram = device_fault,
};

/* Whoever has them mapped, and wherever. */
static int device_evict_range(unsigned long at, unsigned long nr)
{
	struct batch b = { .huge = true };
	int err = batch_init(&b, nr);

	if (!err) {
		migrate_device_range(b.src, device_base() + at, nr);
		err = fill(&b);
		if (!err)
			migrate_device_pages(b.src, b.dst, nr);
		migrate_device_finalize(b.src, b.dst, nr);
	}
	batch_free(&b);
	return err;
}

static int device_evict(void)
{
	unsigned long start, end;
	int err;

	for_each_set_bitrange(start, end, device.used, DEVICE_PAGES) {
		err = device_evict_range(start, end - start);
		if (err)
			return err;
	}
	/* Somebody else has a page locked, or holds a reference. */
	return READ_ONCE(device.nr_used) ? -EBUSY : 0;
}

static int device_map(void)
{
	device.region = request_free_mem_region(&iomem_resource, DEVICE_SIZE, KBUILD_MODNAME);
	if (IS_ERR(device.region))
		return PTR_ERR(device.region);
	device.pgmap.type = MEMORY_DEVICE_PRIVATE;
	device.pgmap.range.start = device.region->start;
	device.pgmap.range.end = device.region->start + DEVICE_SIZE - 1;
	device.pgmap.nr_range = 1;
	device.pgmap.ops = &device_ops;
	device.pgmap.owner = THIS_MODULE;
	return PTR_ERR_OR_ZERO(memremap_pages(&device.pgmap, first_online_node));
}

static void device_release_region(void)
{
	if (!IS_ERR(device.region))
		release_mem_region(device.region->start, resource_size(device.region));
}

static int device_init(void)
{
	int err;

	device.memory = vmalloc(DEVICE_SIZE);
	if (!device.memory)
		return -ENOMEM;
	err = device_map();
	if (!err)
		return 0;
	pr_err("no device memory (%d)\n", err);
	device_release_region();
	vfree(device.memory);
	return err;
}

/* None of its pages is in use: the module would be, too. */
static void device_exit(void)
{
	memunmap_pages(&device.pgmap);
	device_release_region();
	vfree(device.memory);
}

static int device_show(struct seq_file *seq, void *v)
{
	seq_printf(seq, "pages %d used %lu\n", DEVICE_PAGES, READ_ONCE(device.nr_used));
	return 0;
}
#else
static int device_evict(void)
{
	return -EOPNOTSUPP;
}

static int device_init(void)
{
	return 0;
}

static void device_exit(void)
{
}

static int device_show(struct seq_file *seq, void *v)
{
	seq_puts(seq, "pages 0 used 0\n");
	return 0;
}
#endif /* COMPAT_DEVICE_PRIVATE */

/**
 * struct request - one write to migrate
 * @start: address in the writing process
 * @size: bytes
 * @to_device: to device memory, rather than system memory
 * @huge: to destinations of 2 MiB, where the source is such a page
 * @compound: ask the kernel for huge pages whole, else it splits them first
 */
struct request {
	unsigned long start;
	unsigned long size;
	bool to_device;
	bool huge;
	bool compound;
};

/**
 * struct outcome - what became of the pages of the last request
 * @lock: protects the rest, from two writers to one open file
 * @pages: a string of a character for each page: - not a candidate, k candidate
 *	   that was kept, m migrated
 * @nr: of pages
 * @candidates: pages that the kernel let us migrate
 * @compound: huge pages among them
 * @migrated: pages that were
 */
struct outcome {
	struct mutex lock;	/* protects the rest */
	char *pages;
	unsigned long nr;
	unsigned long candidates;
	unsigned long compound;
	unsigned long migrated;
};

static int outcome_reset(struct outcome *o, unsigned long nr)
{
	char *pages = kvmalloc(nr + 1, GFP_KERNEL);

	if (!pages)
		return -ENOMEM;
	memset(pages, '-', nr);
	pages[nr] = '\0';
	kvfree(o->pages);
	o->pages = pages;
	o->nr = nr;
	o->candidates = 0;
	o->compound = 0;
	o->migrated = 0;
	return 0;
}

static void note_candidates(struct outcome *o, const struct batch *b)
{
	unsigned long i, nr;

	for (i = 0; i < b->nr; i += nr) {
		nr = pages_at(b->src[i]);
		if (!(b->src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		memset(o->pages + i, 'k', nr);
		o->candidates += nr;
		o->compound += nr > 1;
	}
}

static void note_migrated(struct outcome *o, const struct batch *b)
{
	unsigned long i, nr;

	for (i = 0; i < b->nr; i += nr) {
		nr = pages_at(b->src[i]);
		if (!(b->src[i] & MIGRATE_PFN_MIGRATE) || !b->dst[i])
			continue;
		memset(o->pages + i, 'm', nr);
		o->migrated += nr;
	}
}

/* A killed process must not wait for us. */
static int wait_unmapped(void)
{
	if (READ_ONCE(pause_ms))
		schedule_timeout_killable(msecs_to_jiffies(READ_ONCE(pause_ms)));
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* From setup on there is no way out but finalize. */
static int run_locked(const struct request *r, const struct batch *b, struct outcome *o)
{
	struct migrate_vma args = {
		.vma = vma_lookup(current->mm, r->start),
		.src = b->src,
		.dst = b->dst,
		.start = r->start,
		.end = r->start + r->size,
		.pgmap_owner = THIS_MODULE,
		.flags = MIGRATE_VMA_SELECT_SYSTEM,
	};
	int err;

	if (!r->to_device)
		args.flags |= MIGRATE_VMA_SELECT_DEVICE_PRIVATE;
	if (r->compound)
		args.flags |= COMPAT_MIGRATE_VMA_SELECT_COMPOUND;
	err = migrate_vma_setup(&args);
	if (err) {
		pr_err("%#lx, size %#lx: not one plain mapping (%d)\n", r->start, r->size, err);
		return err;
	}
	note_candidates(o, b);
	err = wait_unmapped() ?: fill(b);
	if (!err) {
		migrate_vma_pages(&args);
		note_migrated(o, b);
	}
	migrate_vma_finalize(&args);
	return err;
}

static int run(const struct request *r, struct outcome *o)
{
	struct batch b = { .to_device = r->to_device, .huge = r->huge };
	unsigned long nr = r->size >> PAGE_SHIFT;
	int err = outcome_reset(o, nr) ?: batch_init(&b, nr);

	if (!err)
		err = mmap_read_lock_killable(current->mm);
	if (!err) {
		err = run_locked(r, &b, o);
		mmap_read_unlock(current->mm);
	}
	batch_free(&b);
	return err;
}

static const char * const places[] = { "system", "device" };
static const char * const sizes[] = { "4k", "2m" };

static int parse(char *text, struct request *r)
{
	int place, size, err;
	const char *compound;
	u64 start, bytes;

	err = order_number(order_word(&text), ULONG_MAX, &start);
	err = err ?: order_number(order_word(&text), ULONG_MAX, &bytes);
	place = order_choice(places, ARRAY_SIZE(places), order_word(&text));
	size = order_choice(sizes, ARRAY_SIZE(sizes), order_word(&text));
	compound = order_word(&text);
	if (err || place < 0 || size < 0 || (compound && strcmp(compound, "compound")) ||
	    order_end(text))
		return -EINVAL;
	r->start = start;
	r->size = bytes;
	r->to_device = place;
	r->huge = size;
	r->compound = compound || r->huge;
	return 0;
}

static int check(const struct request *r)
{
	if (!r->size || !PAGE_ALIGNED(r->start | r->size) || r->start + r->size < r->start) {
		pr_err("%#lx, size %#lx: not whole pages\n", r->start, r->size);
		return -EINVAL;
	}
	if (r->size > SIZE_LIMIT) {
		pr_err("size %#lx: more than %#x\n", r->size, SIZE_LIMIT);
		return -EINVAL;
	}
	if ((r->compound && !HAVE_HUGE) || (r->to_device && !HAVE_DEVICE)) {
		pr_err("this kernel migrates no huge pages, or has no device memory\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static ssize_t migrate_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct outcome *outcome = file->private_data;
	struct request request = {};
	char text[128];
	int err = order_copy(text, sizeof(text), buf, len) ?: parse(text, &request);

	if (err == -EINVAL)
		pr_err("migrate: want START SIZE system|device 4k|2m [compound]\n");
	err = err ?: check(&request);
	if (err)
		return err;

	mutex_lock(&outcome->lock);
	err = run(&request, outcome);
	mutex_unlock(&outcome->lock);
	*pos = 0;	/* from where the next read tells of this */
	return err ?: len;
}

static char *outcome_text(const struct outcome *o)
{
	return kasprintf(GFP_KERNEL, "candidates %lu compound %lu migrated %lu\n%s\n",
			 o->candidates, o->compound, o->migrated, o->pages ?: "");
}

static ssize_t migrate_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct outcome *outcome = file->private_data;
	ssize_t ret = -ENOMEM;
	char *text;

	mutex_lock(&outcome->lock);
	text = outcome_text(outcome);
	mutex_unlock(&outcome->lock);
	if (text)
		ret = simple_read_from_buffer(buf, len, pos, text, strlen(text));
	kfree(text);
	return ret;
}

static int migrate_open(struct inode *inode, struct file *file)
{
	struct outcome *outcome = kzalloc(sizeof(*outcome), GFP_KERNEL);

	if (!outcome)
		return -ENOMEM;
	mutex_init(&outcome->lock);
	file->private_data = outcome;
	return 0;
}

static int migrate_release(struct inode *inode, struct file *file)
{
	struct outcome *outcome = file->private_data;

	kvfree(outcome->pages);
	kfree(outcome);
	return 0;
}

static const struct file_operations migrate_fops = {
	.owner = THIS_MODULE,
	.open = migrate_open,
	.read = migrate_read,
	.write = migrate_write,
	.release = migrate_release,
	.llseek = default_llseek,
};

static ssize_t evict_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	static const char * const all[] = { "all" };
	char text[16], *rest = text;
	int err = order_copy(text, sizeof(text), buf, len);

	if (err)
		return err;
	err = order_choice(all, 1, order_word(&rest)) ?: order_end(rest);
	if (err)
		pr_err("evict: want all\n");
	err = err ?: device_evict();
	return err ?: len;
}

static const struct file_operations evict_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.write = evict_write,
};

static int features_show(struct seq_file *seq, void *v)
{
	seq_printf(seq, "4k%s%s\n", HAVE_HUGE ? " 2m" : "",
		   HAVE_DEVICE ? " device" : "");
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(features);
DEFINE_SHOW_ATTRIBUTE(device);

static struct dentry *root;

static int __init errpath_migrate_init(void)
{
	int err = device_init();

	if (err)
		return err;
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(root)) {
		device_exit();
		return PTR_ERR(root);
	}
	debugfs_create_file("migrate", 0600, root, NULL, &migrate_fops);
	debugfs_create_file("evict", 0200, root, NULL, &evict_fops);
	debugfs_create_file("features", 0400, root, NULL, &features_fops);
	debugfs_create_file("device", 0400, root, NULL, &device_fops);
	debugfs_create_u32("pause_ms", 0600, root, &pause_ms);
	return 0;
}

static void __exit errpath_migrate_exit(void)
{
	debugfs_remove(root);
	device_exit();
}

module_init(errpath_migrate_init);
module_exit(errpath_migrate_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Migrate pages as device drivers do, to test its error paths");
MODULE_INFO(test, "Y");
