// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_hotplug: hot-add physical ranges that have no memory. add_memory() and
 * memremap_pages() create the memmap and the direct map of a range without accessing the memory
 * itself, so any unused physical range works until its memory blocks are brought online. A
 * memory notifier prevents that.
 *
 * debugfs errpath_hotplug/: write "START SIZE [memmap_on_memory]" to add, "START SIZE" to remove,
 * "START SIZE [altmap] [shift=ORDER]" or "START SIZE same" to memremap, "START" to memunmap;
 * ranges; leak. A write returns the kernel's errno.
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

/* Order of the largest compound page: device DAX uses no larger one. */
#define MAX_SHIFT	(PUD_SHIFT - PAGE_SHIFT)

enum range_state {
	RANGE_FAILED,	/* adding failed: a buggy kernel may have kept a part of the range */
	RANGE_TRIED,	/* the kernel is adding the range */
	RANGE_ADDED,
	RANGE_MAPPED,
};

/**
 * struct range_entry - a physical range that a write added or tried to add
 * @list: entry in ranges
 * @start: physical address
 * @size: size in bytes
 * @state: state of the range; ranges_lock protects changes
 * @pgmap: argument of memremap_pages()
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
static DEFINE_RWLOCK(ranges_lock);	/* protects the list for the notifier */

/* Leak something in each failed operation, to test that a verdict detects it. */
static enum { LEAK_NONE, LEAK_PAGE, LEAK_OBJECT } leak;
static const char * const leak_names[] = {
	[LEAK_NONE] = "none",
	[LEAK_PAGE] = "page",
	[LEAK_OBJECT] = "object",
};

static struct range_entry *range_find(u64 start, u64 size)
{
	struct range_entry *range;

	list_for_each_entry(range, &ranges, list)
		if (start < range->start + range->size && range->start < start + size)
			return range;
	return NULL;
}

static struct range_entry *range_find_exact(u64 start, u64 size)
{
	struct range_entry *range = range_find(start, size);

	return range && range->start == start && range->size == size ? range : NULL;
}

static void range_set_state(struct range_entry *range, enum range_state state)
{
	write_lock(&ranges_lock);
	range->state = state;
	write_unlock(&ranges_lock);
}

static bool range_has_memmap(const struct range_entry *range)
{
	unsigned long pfn = PHYS_PFN(range->start), end = PHYS_PFN(range->start + range->size);

	while (pfn < end && !pfn_valid(pfn))
		pfn += PAGES_PER_SUBSECTION;
	return pfn < end;
}

/*
 * True if the range now belongs to another user. After a failed add the physical range is free,
 * and firmware or a virtual device may put real memory there. Both checks are needed, since a
 * buggy kernel may keep either the resource or the memmap of a range that it failed to add.
 */
static bool range_is_foreign(const struct range_entry *range)
{
	return range->state == RANGE_FAILED && range_has_memmap(range) &&
	       region_intersects(range->start, range->size, IORESOURCE_SYSTEM_RAM,
				 IORES_DESC_NONE) != REGION_DISJOINT;
}

static struct range_entry *range_insert(u64 start, u64 size)
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

static void range_drop(struct range_entry *range)
{
	write_lock(&ranges_lock);
	list_del(&range->list);
	write_unlock(&ranges_lock);
	kfree(range);
}

/* The ranges have no memory: a page of them in the allocator would cause an oops. */
static int range_veto_online(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct memory_notify *notify = data;
	struct range_entry *range;
	bool ours;

	if (action != MEM_GOING_ONLINE)
		return NOTIFY_OK;
	read_lock(&ranges_lock);
	range = range_find(PFN_PHYS(notify->start_pfn), PFN_PHYS(notify->nr_pages));
	ours = range && !range_is_foreign(range);
	read_unlock(&ranges_lock);
	return ours ? notifier_from_errno(-EPERM) : NOTIFY_OK;
}

static struct notifier_block memory_notifier = {
	.notifier_call = range_veto_online,
};

static int check_aligned(u64 start, u64 size, u64 granule)
{
	if (size && start + size > start && IS_ALIGNED(start | size, granule))
		return 0;
	pr_err("%#llx, size %#llx: both must be multiples of %#llx\n", start, size, granule);
	return -EINVAL;
}

/*
 * A range is unused if no resource in it is busy and its parent is at most the window of a
 * bridge, such as all of the physical address space above RAM on a PC.
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
	pr_err("%#llx, size %#llx: in use, choose an unused range of /proc/iomem\n", start, size);
	return -EBUSY;
}

/* The kernel reads and writes an altmap, so it needs real RAM, reserved by memmap=. */
static int check_reserved_ram(u64 start, u64 size)
{
	if (region_intersects(start, size, 0, IORES_DESC_RESERVED) == REGION_INTERSECTS)
		return 0;
	pr_err("%#llx, size %#llx: its memmap needs reserved RAM: boot with memmap=SIZE$START\n",
	       start, size);
	return -EINVAL;
}

static void leak_something(void)
{
	if (leak == LEAK_PAGE)
		(void)alloc_page(GFP_KERNEL);
	else if (leak == LEAK_OBJECT)
		kmemleak_ignore(kmalloc(192, GFP_KERNEL));	/* on purpose */
}

/* Get the entry of a range. A range that failed before may be tried again. */
static struct range_entry *range_claim(u64 start, u64 size)
{
	struct range_entry *range = range_find_exact(start, size);

	if (range && range->state != RANGE_FAILED) {
		pr_err("%#llx, size %#llx: was added already\n", start, size);
		return ERR_PTR(-EEXIST);
	}
	if (!range && range_find(start, size)) {
		pr_err("%#llx, size %#llx: overlaps a range of the file ranges\n", start, size);
		return ERR_PTR(-EBUSY);
	}
	return range ?: range_insert(start, size) ?: ERR_PTR(-ENOMEM);
}

static int refuse_unknown(const char *file, u64 start)
{
	pr_err("%s %#llx: no such range: the file ranges lists all\n", file, start);
	return -ENOENT;
}

/* @flags: MHP_MEMMAP_ON_MEMORY: the kernel writes the memmap to the range, which must be RAM. */
static int hotplug_add(u64 start, u64 size, mhp_t flags)
{
	struct range_entry *range;
	int err = check_aligned(start, size, memory_block_size_bytes());

	if (!err)
		err = flags ? check_reserved_ram(start, size) : check_unused(start, size);
	if (err)
		return err;
	range = range_claim(start, size);
	if (IS_ERR(range))
		return PTR_ERR(range);
	range_set_state(range, RANGE_TRIED);
	err = add_memory(first_online_node, start, size, flags);
	range_set_state(range, err ? RANGE_FAILED : RANGE_ADDED);
	if (err)
		leak_something();
	return err;
}

static int hotplug_remove(u64 start, u64 size)
{
	struct range_entry *range = range_find_exact(start, size);
	int err;

	if (!range || range->state == RANGE_MAPPED)
		return refuse_unknown("remove", start);
	if (range_is_foreign(range)) {
		pr_notice("%#llx, size %#llx: not removed, as another user has added it\n", start,
			  size);
		range_drop(range);
		return -ENOENT;
	}
	err = remove_memory(start, size);
	if (!err)
		range_drop(range);
	return err;
}

/* One write to the file "memremap". */
struct remap_request {
	u64 start;
	u64 size;
	u64 shift;
	bool altmap;
	bool same;
};

static void range_set_altmap(struct range_entry *range, const struct remap_request *r)
{
	unsigned long pages = PFN_DOWN(r->size);
	struct vmem_altmap altmap = {
		.base_pfn = PFN_DOWN(r->start),
		.free = PFN_UP(pages * sizeof(struct page)),
	};

	memcpy(&range->pgmap.altmap, &altmap, sizeof(altmap));
	range->pgmap.flags |= PGMAP_ALTMAP_VALID;
}

#ifndef CONFIG_ZONE_DEVICE
static void *memremap_pages(struct dev_pagemap *pgmap, int nid)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void memunmap_pages(struct dev_pagemap *pgmap)
{
}
#endif

static void range_set_pgmap(struct range_entry *range, const struct remap_request *r)
{
	memset(&range->pgmap, 0, sizeof(range->pgmap));
	range->pgmap.type = MEMORY_DEVICE_GENERIC;
	range->pgmap.range.start = r->start;
	range->pgmap.range.end = r->start + r->size - 1;
	range->pgmap.nr_range = 1;
	range->pgmap.vmemmap_shift = r->shift;
	if (r->altmap)
		range_set_altmap(range, r);
}

/*
 * Try again with the dev_pagemap as the call that failed left it, as a driver does that is bound
 * again: @r->same.
 */
static struct range_entry *range_claim_same(u64 start, u64 size)
{
	struct range_entry *range = range_find_exact(start, size);

	if (!range || range->state != RANGE_FAILED || !range->pgmap.nr_range)
		return ERR_PTR(refuse_unknown("memremap same", start));
	return range;
}

static struct range_entry *range_claim_fresh(const struct remap_request *r)
{
	u64 granule = max_t(u64, SUBSECTION_SIZE, PAGE_SIZE << r->shift);
	struct range_entry *range;
	int err = check_aligned(r->start, r->size, granule);

	if (!err)
		err = r->altmap ? check_reserved_ram(r->start, r->size) :
				      check_unused(r->start, r->size);
	if (err)
		return ERR_PTR(err);
	range = range_claim(r->start, r->size);
	if (!IS_ERR(range))
		range_set_pgmap(range, r);
	return range;
}

static int hotplug_memremap(const struct remap_request *r)
{
	struct range_entry *range;
	void *virt;

	if (!IS_ENABLED(CONFIG_ZONE_DEVICE)) {
		pr_err("this kernel has no memremap: it needs CONFIG_ZONE_DEVICE\n");
		return -EOPNOTSUPP;
	}
	range = r->same ? range_claim_same(r->start, r->size) : range_claim_fresh(r);
	if (IS_ERR(range))
		return PTR_ERR(range);
	range_set_state(range, RANGE_TRIED);
	virt = memremap_pages(&range->pgmap, first_online_node);
	range_set_state(range, IS_ERR(virt) ? RANGE_FAILED : RANGE_MAPPED);
	if (IS_ERR(virt))
		leak_something();
	return PTR_ERR_OR_ZERO(virt);
}

static int hotplug_memunmap(u64 start)
{
	struct range_entry *range = range_find(start, 1);

	if (!range || range->start != start || range->state != RANGE_MAPPED)
		return refuse_unknown("memunmap", start);
	memunmap_pages(&range->pgmap);
	range_drop(range);
	return 0;
}

static int parse_range(char **text, u64 *start, u64 *size)
{
	return order_bytes(order_word(text), start) ?: order_bytes(order_word(text), size);
}

/* The words of an order are wrong. @takes: those that are right. */
static int refuse_words(const char *takes)
{
	pr_err("%s, in bytes: 0x200000000 128M\n", takes);
	return -EINVAL;
}

static int parse_add(char *text, u64 *start, u64 *size, mhp_t *flags)
{
	char *word;
	int err = parse_range(&text, start, size);

	while (!err && (word = order_word(&text))) {
		if (strcmp(word, "memmap_on_memory"))
			err = -EINVAL;
		*flags = MHP_MEMMAP_ON_MEMORY;
	}
	return err;
}

static int command_add(char *text)
{
	u64 start, size;
	mhp_t flags = MHP_NONE;

	if (parse_add(text, &start, &size, &flags))
		return refuse_words("add takes START SIZE [memmap_on_memory]");
	return hotplug_add(start, size, flags);
}

static int command_remove(char *text)
{
	u64 start, size;

	if (parse_range(&text, &start, &size) || order_end(text))
		return refuse_words("remove takes START SIZE");
	return hotplug_remove(start, size);
}

static int parse_memremap(char *text, struct remap_request *r)
{
	char *word;
	int err = parse_range(&text, &r->start, &r->size);

	while (!err && (word = order_word(&text))) {
		if (!strcmp(word, "altmap"))
			r->altmap = true;
		else if (!strncmp(word, "shift=", 6))
			err = order_number(word + 6, MAX_SHIFT, &r->shift);
		else if (!strcmp(word, "same"))
			r->same = true;
		else
			err = -EINVAL;
	}
	if (r->same && (r->altmap || r->shift))
		err = -EINVAL;
	return err;
}

static int command_memremap(char *text)
{
	struct remap_request r = {};

	if (parse_memremap(text, &r))
		return refuse_words("memremap takes START SIZE [altmap] [shift=ORDER]|[same]");
	return hotplug_memremap(&r);
}

static int command_memunmap(char *text)
{
	u64 start;

	if (order_bytes(order_word(&text), &start) || order_end(text))
		return refuse_words("memunmap takes START");
	return hotplug_memunmap(start);
}

static int command_leak(char *text)
{
	int what = order_choice(leak_names, ARRAY_SIZE(leak_names), order_word(&text));

	if (what < 0 || order_end(text)) {
		pr_err("leak takes none, page or object\n");
		return -EINVAL;
	}
	leak = what;
	return 0;
}

/**
 * struct command - a file that is written to run an operation
 * @name: name of the file
 * @run: parses the text and runs the operation
 */
struct command {
	const char *name;
	int (*run)(char *text);
};

static const struct command commands[] = {
	{ .name = "add", .run = command_add },
	{ .name = "remove", .run = command_remove },
	{ .name = "memremap", .run = command_memremap },
	{ .name = "memunmap", .run = command_memunmap },
	{ .name = "leak", .run = command_leak },
};

static ssize_t command_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	const struct command *command = file_inode(file)->i_private;
	char text[128];
	int err;

	err = order_copy(text, sizeof(text), buf, len);
	if (err == -EINVAL)
		pr_err("%s takes at most %zu characters without a NUL\n", command->name,
		       sizeof(text) - 1);
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

/* Remove a range. If the kernel refuses, its memory blocks stay, offline. */
static void range_give_back(struct range_entry *range)
{
	int err = 0;

	if (range->state == RANGE_MAPPED)
		memunmap_pages(&range->pgmap);
	else if (range->state == RANGE_ADDED)
		err = remove_memory(range->start, range->size);
	if (err)
		pr_err("%#llx, size %#llx: the kernel refuses to remove it (%d)\n", range->start,
		       range->size, err);
	range_drop(range);
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
		range_give_back(range);
	unregister_memory_notifier(&memory_notifier);
}

module_init(errpath_hotplug_init);
module_exit(errpath_hotplug_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Hot-add ranges without memory, to test the error paths of hot-add");
MODULE_INFO(test, "Y");
