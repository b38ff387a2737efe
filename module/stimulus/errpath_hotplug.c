// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_hotplug: hot-add memory that is not there. add_memory() and
 * memremap_pages() set up a section's memmap and direct map without ever
 * touching the memory itself, so any unused physical range will do, as long as
 * nobody brings it online: that is vetoed.
 *
 * debugfs errpath_hotplug/: add, remove "START SIZE"; memremap "START SIZE
 * [altmap] [shift=ORDER]"; memunmap "START"; ranges; leak. The kernel's errno is
 * the write's errno.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "order.h"

/* The largest compound page: device DAX uses no larger one. */
#define MAX_SHIFT	(PUD_SHIFT - PAGE_SHIFT)

enum range_state {
	RANGE_FAILED,	/* adding it failed: the kernel may have kept a part of it */
	RANGE_TRIED,	/* it is being added */
	RANGE_ADDED,
	RANGE_MAPPED,
};

/**
 * struct range_entry - a physical range that we gave to the kernel, or tried to
 * @list: in ranges
 * @start: physical address
 * @size: bytes
 * @state: what became of it; ranges_lock protects changes
 * @pgmap: for memremap_pages()
 */
struct range_entry {
	struct list_head list;
	u64 start;
	u64 size;
	enum range_state state;
	struct dev_pagemap pgmap;
};

static LIST_HEAD(ranges);
static DEFINE_MUTEX(ranges_mutex);	/* one operation at a time */
static DEFINE_RWLOCK(ranges_lock);	/* the list, for the notifier */

/* A leak of our own for each failed operation, to see that a verdict notices it. */
static enum { LEAK_NONE, LEAK_PAGE, LEAK_OBJECT } leak;
static const char * const leak_names[] = { "none", "page", "object" };

static struct range_entry *find(u64 start, u64 size)
{
	struct range_entry *range;

	list_for_each_entry(range, &ranges, list)
		if (start < range->start + range->size && range->start < start + size)
			return range;
	return NULL;
}

static struct range_entry *find_exact(u64 start, u64 size)
{
	struct range_entry *range = find(start, size);

	return range && range->start == start && range->size == size ? range : NULL;
}

static void set_state(struct range_entry *range, enum range_state state)
{
	write_lock(&ranges_lock);
	range->state = state;
	write_unlock(&ranges_lock);
}

static bool has_memmap(const struct range_entry *range)
{
	unsigned long pfn = PHYS_PFN(range->start), end = PHYS_PFN(range->start + range->size);

	while (pfn < end && !pfn_valid(pfn))
		pfn += PAGES_PER_SUBSECTION;
	return pfn < end;
}

/*
 * A failed add gives the physical range back: firmware or a virtual device may put
 * real memory there later. Both checks are needed, since a buggy kernel may keep
 * either the resource or the memmap of a range that it failed to add.
 */
static bool is_foreign(const struct range_entry *range)
{
	return range->state == RANGE_FAILED && has_memmap(range) &&
	       region_intersects(range->start, range->size, IORESOURCE_SYSTEM_RAM,
				 IORES_DESC_NONE) != REGION_DISJOINT;
}

static struct range_entry *insert(u64 start, u64 size)
{
	struct range_entry *range = kzalloc(sizeof(*range), GFP_KERNEL);

	if (!range)
		return NULL;
	range->start = start;
	range->size = size;
	range->state = RANGE_FAILED;
	write_lock(&ranges_lock);
	list_add_tail(&range->list, &ranges);
	write_unlock(&ranges_lock);
	return range;
}

static void drop(struct range_entry *range)
{
	write_lock(&ranges_lock);
	list_del(&range->list);
	write_unlock(&ranges_lock);
	kfree(range);
}

/* There is no memory behind our ranges: a page of them in the allocator is an oops. */
static int veto_online(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct memory_notify *notify = data;
	struct range_entry *range;
	bool ours;

	if (action != MEM_GOING_ONLINE)
		return NOTIFY_OK;
	read_lock(&ranges_lock);
	range = find(PFN_PHYS(notify->start_pfn), PFN_PHYS(notify->nr_pages));
	ours = range && !is_foreign(range);
	read_unlock(&ranges_lock);
	return ours ? notifier_from_errno(-EPERM) : NOTIFY_OK;
}

static struct notifier_block memory_notifier = {
	.notifier_call = veto_online,
};

static int check_aligned(u64 start, u64 size, u64 granule)
{
	if (size && start + size > start && IS_ALIGNED(start | size, granule))
		return 0;
	pr_err("%#llx, size %#llx: both must be multiples of %#llx\n", start, size, granule);
	return -EINVAL;
}

/*
 * Unused: nobody has it busy, and what lies around it is at most a window that a
 * bridge forwards, such as all of the physical space above RAM on a PC.
 */
static int check_unused(u64 start, u64 size)
{
	struct resource *region = request_mem_region(start, size, KBUILD_MODNAME);
	bool unused = region && (region->parent == &iomem_resource ||
				 region->parent->flags & IORESOURCE_WINDOW);

	if (region)
		release_mem_region(start, size);
	if (unused)
		return 0;
	pr_err("%#llx, size %#llx: is RAM or otherwise in use, see /proc/iomem\n", start, size);
	return -EBUSY;
}

/* An altmap is read and written: that needs RAM which the kernel was told not to use. */
static int check_reserved_ram(u64 start, u64 size)
{
	if (region_intersects(start, size, 0, IORES_DESC_RESERVED) == REGION_INTERSECTS)
		return 0;
	pr_err("%#llx, size %#llx: altmap needs reserved RAM: boot with memmap=SIZE$START\n",
	       start, size);
	return -EINVAL;
}

static void plant_leak(void)
{
	if (leak == LEAK_PAGE)
		(void)alloc_page(GFP_KERNEL);
	else if (leak == LEAK_OBJECT)
		kmemleak_ignore(kmalloc(192, GFP_KERNEL));	/* on purpose */
}

/* A range that failed before may be tried again. */
static struct range_entry *claim(u64 start, u64 size)
{
	struct range_entry *range = find_exact(start, size);

	if (range && range->state != RANGE_FAILED)
		return ERR_PTR(-EEXIST);
	if (!range && find(start, size))
		return ERR_PTR(-EBUSY);
	return range ?: insert(start, size) ?: ERR_PTR(-ENOMEM);
}

static int add(u64 start, u64 size)
{
	struct range_entry *range;
	int err = check_aligned(start, size, memory_block_size_bytes()) ?:
		  check_unused(start, size);

	if (err)
		return err;
	range = claim(start, size);
	if (IS_ERR(range))
		return PTR_ERR(range);
	set_state(range, RANGE_TRIED);
	err = add_memory(first_online_node, start, size, MHP_NONE);
	set_state(range, err ? RANGE_FAILED : RANGE_ADDED);
	if (err)
		plant_leak();
	return err;
}

static int remove(u64 start, u64 size)
{
	struct range_entry *range = find_exact(start, size);
	int err;

	if (!range || range->state == RANGE_MAPPED)
		return -ENOENT;
	if (is_foreign(range)) {
		pr_notice("%#llx, size %#llx: belongs to somebody else now\n", start, size);
		drop(range);
		return -ENOENT;
	}
	err = remove_memory(start, size);
	if (!err)
		drop(range);
	return err;
}

struct remap {
	u64 start;
	u64 size;
	u64 shift;
	bool altmap;
};

static void set_altmap(struct dev_pagemap *pgmap, const struct remap *remap)
{
	unsigned long pages = PFN_DOWN(remap->size);
	struct vmem_altmap altmap = {
		.base_pfn = PFN_DOWN(remap->start),
		.free = PFN_UP(pages * sizeof(struct page)),
	};

	memcpy(&pgmap->altmap, &altmap, sizeof(altmap));
	pgmap->flags |= PGMAP_ALTMAP_VALID;
}

static int remap(const struct remap *remap)
{
	struct range_entry *range;
	void *virt;
	u64 granule = max_t(u64, SUBSECTION_SIZE, PAGE_SIZE << remap->shift);
	int err = check_aligned(remap->start, remap->size, granule);

	if (!err)
		err = remap->altmap ? check_reserved_ram(remap->start, remap->size) :
				      check_unused(remap->start, remap->size);
	if (err)
		return err;
	range = claim(remap->start, remap->size);
	if (IS_ERR(range))
		return PTR_ERR(range);
	memset(&range->pgmap, 0, sizeof(range->pgmap));
	range->pgmap.type = MEMORY_DEVICE_GENERIC;
	range->pgmap.range.start = remap->start;
	range->pgmap.range.end = remap->start + remap->size - 1;
	range->pgmap.nr_range = 1;
	range->pgmap.vmemmap_shift = remap->shift;
	if (remap->altmap)
		set_altmap(&range->pgmap, remap);
	set_state(range, RANGE_TRIED);
	virt = memremap_pages(&range->pgmap, first_online_node);
	set_state(range, IS_ERR(virt) ? RANGE_FAILED : RANGE_MAPPED);
	if (IS_ERR(virt))
		plant_leak();
	return PTR_ERR_OR_ZERO(virt);
}

static int unmap(u64 start)
{
	struct range_entry *range = find(start, 1);

	if (!range || range->start != start || range->state != RANGE_MAPPED)
		return -ENOENT;
	memunmap_pages(&range->pgmap);
	drop(range);
	return 0;
}

static int parse_range(char **text, u64 *start, u64 *size)
{
	return order_bytes(order_word(text), start) ?: order_bytes(order_word(text), size);
}

static int do_add(char *text)
{
	u64 start, size;
	int err = parse_range(&text, &start, &size);

	return err ?: order_end(text) ?: add(start, size);
}

static int do_remove(char *text)
{
	u64 start, size;
	int err = parse_range(&text, &start, &size);

	return err ?: order_end(text) ?: remove(start, size);
}

static int do_remap(char *text)
{
	struct remap order = {};
	char *word;
	int err = parse_range(&text, &order.start, &order.size);

	while (!err && (word = order_word(&text))) {
		if (!strcmp(word, "altmap"))
			order.altmap = true;
		else if (!strncmp(word, "shift=", 6))
			err = order_number(word + 6, MAX_SHIFT, &order.shift);
		else
			err = -EINVAL;
	}
	return err ?: remap(&order);
}

static int do_unmap(char *text)
{
	u64 start;
	int err = order_bytes(order_word(&text), &start);

	return err ?: order_end(text) ?: unmap(start);
}

static int do_leak(char *text)
{
	int what = order_choice(leak_names, ARRAY_SIZE(leak_names), order_word(&text));

	if (what < 0 || order_end(text))
		return -EINVAL;
	leak = what;
	return 0;
}

/* A file that is written takes one operation. */
struct command {
	const char *name;
	int (*run)(char *text);
};

static const struct command commands[] = {
	{ "add", do_add },
	{ "remove", do_remove },
	{ "memremap", do_remap },
	{ "memunmap", do_unmap },
	{ "leak", do_leak },
};

static ssize_t command_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	const struct command *command = file_inode(file)->i_private;
	char text[128];
	int err;

	err = order_copy(text, sizeof(text), buf, len);
	if (err)
		return err;
	mutex_lock(&ranges_mutex);
	err = command->run(text);
	mutex_unlock(&ranges_mutex);
	return err ?: len;
}

static const struct file_operations command_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.write = command_write,
};

static int ranges_show(struct seq_file *seq, void *v)
{
	static const char * const states[] = {
		[RANGE_FAILED] = "failed",
		[RANGE_TRIED] = "tried",
		[RANGE_ADDED] = "add",
		[RANGE_MAPPED] = "memremap",
	};
	struct range_entry *range;

	mutex_lock(&ranges_mutex);
	list_for_each_entry(range, &ranges, list)
		seq_printf(seq, "%s %#llx %#llx\n", states[range->state], range->start,
			   range->size);
	mutex_unlock(&ranges_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ranges);

static struct dentry *root;

static int create_files(void)
{
	const struct command *command;

	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(root))
		return PTR_ERR(root);
	for (command = commands; command < commands + ARRAY_SIZE(commands); command++)
		debugfs_create_file(command->name, 0200, root, (void *)command, &command_fops);
	debugfs_create_file("ranges", 0400, root, NULL, &ranges_fops);
	return 0;
}

/* What cannot be removed stays with the kernel; its memory blocks stay offline. */
static void give_back(struct range_entry *range)
{
	int err = 0;

	if (range->state == RANGE_MAPPED)
		memunmap_pages(&range->pgmap);
	else if (range->state == RANGE_ADDED)
		err = remove_memory(range->start, range->size);
	if (err)
		pr_err("%#llx, size %#llx: could not be removed (%d)\n", range->start,
		       range->size, err);
	drop(range);
}

static int __init errpath_hotplug_init(void)
{
	int err = register_memory_notifier(&memory_notifier);

	if (err)
		return err;
	err = create_files();
	if (err)
		unregister_memory_notifier(&memory_notifier);
	return err;
}

static void __exit errpath_hotplug_exit(void)
{
	struct range_entry *range, *next;

	debugfs_remove(root);
	list_for_each_entry_safe(range, next, &ranges, list)
		give_back(range);
	unregister_memory_notifier(&memory_notifier);
}

module_init(errpath_hotplug_init);
module_exit(errpath_hotplug_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Hot-add memory that is not there, to test its error paths");
MODULE_INFO(test, "Y");
