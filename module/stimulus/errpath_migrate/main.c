// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_migrate: drive migrate_vma_setup(), migrate_vma_pages() and migrate_vma_finalize() as a
 * device driver does, on memory of the process that writes. Pages migrate to other system memory,
 * or to the memory of a simulated device; from there a CPU fault, a migration to system memory
 * or an eviction brings them back.
 *
 * debugfs errpath_migrate/: write "START SIZE system|device 4k|2m [compound]" to migrate, then
 * read the outcome of each page from the same open file; write "all" to evict; pause_ms;
 * features; device. A write returns the kernel's errno. The module cannot be unloaded while the
 * device holds pages.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../order.h"
#include "migrate.h"

#define SIZE_LIMIT	SZ_128M

/* A migration waits this long while its pages are unmapped. */
static u32 pause_ms;

/**
 * struct request - one write to the file "migrate"
 * @start: address in the writing process
 * @size: size in bytes
 * @to_device: true if the pages migrate to device memory, false: to system memory
 * @huge: true if a huge page gets a huge destination
 * @compound: true if the kernel shall collect huge pages whole, false: it splits them first
 */
struct request {
	unsigned long start;
	unsigned long size;
	bool to_device;
	bool huge;
	bool compound;
};

/**
 * struct outcome - outcome of the last request, for each page
 * @lock: protects the other members; an open file can have two writers
 * @pages: string with a character for each page: "-" the kernel did not collect it, "k" kept
 *	   at its place, "m" migrated
 * @nr: number of pages
 * @candidates: number of pages that the kernel collected
 * @compound: number of huge pages among @candidates
 * @migrated: number of pages that migrated
 */
struct outcome {
	struct mutex lock;	/* protects the other members */
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

static void outcome_note_candidates(struct outcome *o, const struct batch *b)
{
	unsigned long i, nr;

	for (i = 0; i < b->nr; i += nr) {
		nr = batch_pages_at(b->src[i]);
		if (!(b->src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		memset(o->pages + i, 'k', nr);
		o->candidates += nr;
		o->compound += nr > 1;
	}
}

static void outcome_note_migrated(struct outcome *o, const struct batch *b)
{
	unsigned long i, nr;

	for (i = 0; i < b->nr; i += nr) {
		nr = batch_pages_at(b->src[i]);
		if (!(b->src[i] & MIGRATE_PFN_MIGRATE) || !b->dst[i])
			continue;
		memset(o->pages + i, 'm', nr);
		o->migrated += nr;
	}
}

/* A killed process must be able to exit. */
static int pause_unmapped(void)
{
	if (READ_ONCE(pause_ms))
		schedule_timeout_killable(msecs_to_jiffies(READ_ONCE(pause_ms)));
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* After migrate_vma_setup() succeeded, migrate_vma_finalize() must follow. */
static int request_run_locked(const struct request *r, const struct batch *b, struct outcome *o)
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
		pr_err("%#lx, size %#lx: must be one mapping without special pages (%d)\n",
		       r->start, r->size, err);
		return err;
	}
	outcome_note_candidates(o, b);
	err = pause_unmapped() ?: batch_fill(b);
	if (!err) {
		migrate_vma_pages(&args);
		outcome_note_migrated(o, b);
	}
	migrate_vma_finalize(&args);
	return err;
}

static int request_run(const struct request *r, struct outcome *o)
{
	struct batch b = { .to_device = r->to_device, .huge = r->huge };
	unsigned long nr = r->size >> PAGE_SHIFT;
	int err = outcome_reset(o, nr) ?: batch_init(&b, nr);

	if (!err)
		err = mmap_read_lock_killable(current->mm);
	if (!err) {
		err = request_run_locked(r, &b, o);
		mmap_read_unlock(current->mm);
	}
	batch_free(&b);
	return err;
}

static const char * const places[] = { "system", "device" };
static const char * const sizes[] = { "4k", "2m" };

static int request_parse(char *text, struct request *r)
{
	int place, size, err;
	const char *compound;
	u64 start, bytes;

	err = order_number(order_word(&text), ULONG_MAX, &start) ?:
	      order_number(order_word(&text), ULONG_MAX, &bytes);
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

static int request_check(const struct request *r)
{
	if (!r->size || !PAGE_ALIGNED(r->start | r->size) || r->start + r->size < r->start) {
		pr_err("%#lx, size %#lx: both must be multiples of the page size\n", r->start,
		       r->size);
		return -EINVAL;
	}
	if (r->size > SIZE_LIMIT) {
		pr_err("size %#lx: the limit is %#x\n", r->size, SIZE_LIMIT);
		return -EINVAL;
	}
	if ((r->compound && !HAVE_HUGE) || (r->to_device && !HAVE_DEVICE)) {
		pr_err("this kernel cannot do that: see errpath_migrate/features\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static ssize_t migrate_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct outcome *outcome = file->private_data;
	struct request request = {};
	char text[128];
	int err = order_copy(text, sizeof(text), buf, len) ?: request_parse(text, &request);

	if (err == -EINVAL)
		pr_err("migrate takes START SIZE system|device 4k|2m [compound]\n");
	if (!err)
		err = request_check(&request);
	if (err)
		return err;

	mutex_lock(&outcome->lock);
	err = request_run(&request, outcome);
	mutex_unlock(&outcome->lock);
	*pos = 0;	/* the next read returns the whole outcome */
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
		pr_err("evict takes the word all\n");
	else
		err = device_evict();
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

static int device_show(struct seq_file *seq, void *v)
{
	seq_printf(seq, "pages %d used %lu\n", POOL_PAGES, pool_used());
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
		pool_exit();
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
	pool_exit();
}

module_init(errpath_migrate_init);
module_exit(errpath_migrate_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Migrate pages as device drivers do, to test the error paths of migration");
MODULE_INFO(test, "Y");
