// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_alloc: allocate memory in each way that the kernel offers. A write of "HOW
 * [task|atomic|irq]" to debugfs errpath_alloc/alloc allocates once in that way and context, and
 * frees the memory. The write returns ENOMEM if the allocation failed, EINVAL if the kernel does
 * not allow HOW in that context.
 *
 * A write of "COUNT HOW" to errpath_alloc/loop allocates and frees COUNT times, at most
 * LOOP_LIMIT, without anything between. A read returns the number of allocations and of failures,
 * and the time.
 *
 * A write of "go" to errpath_alloc/range allocates a range of pages that are chosen by number, and
 * frees it. It returns the error of the allocator, which is no pointer.
 *
 * A write of "go" to errpath_alloc/chain calls five nested functions that allocate an object
 * each. Each can get an error path that loses a page, an object, the guest (it panics) or the
 * task (it waits forever), which a sweep must find: write "LEVEL none|page|object|guest|task" to
 * errpath_alloc/lose.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/panic.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#include "order.h"

#define SIZE	192
#define RANGE_ORDER	9	/* a page block, which the allocator isolates as a whole */
#define MANY	4
/* The loop runs with interrupts off, and an allocation takes up to 20 us in an emulated guest. */
#define LOOP_LIMIT	100000

static struct kmem_cache *cache;
/* Sizes that the compiler does not know. */
static size_t size = SIZE, large = 2 * KMALLOC_MAX_CACHE_SIZE;

/* Free @p. Returns whether the allocation had succeeded. */
static bool freed(const void *p)
{
	kfree(p);
	return p;
}

/* Each of these functions returns whether the allocation succeeded. */

static bool by_kmalloc(gfp_t gfp)
{
	return freed(kmalloc(SIZE, gfp));
}

static bool by_kmalloc_size(gfp_t gfp)
{
	return freed(kmalloc(READ_ONCE(size), gfp));
}

static bool by_kmalloc_node(gfp_t gfp)
{
	return freed(kmalloc_node(READ_ONCE(size), gfp, numa_node_id()));
}

static bool by_kmalloc_large(gfp_t gfp)
{
	return freed(kmalloc(2 * KMALLOC_MAX_CACHE_SIZE, gfp));
}

static bool by_kmalloc_large_size(gfp_t gfp)
{
	return freed(kmalloc(READ_ONCE(large), gfp));
}

static bool by_kmalloc_nofail(gfp_t gfp)
{
	return freed(kmalloc(SIZE, gfp | __GFP_NOFAIL));
}

static bool by_kmemdup(gfp_t gfp)
{
	return freed(kmemdup(&size, sizeof(size), gfp));
}

static bool by_krealloc(gfp_t gfp)
{
	return freed(krealloc(NULL, READ_ONCE(size), gfp));
}

static bool by_kmem_cache(gfp_t gfp)
{
	void *p = kmem_cache_alloc(cache, gfp);

	if (p)
		kmem_cache_free(cache, p);
	return p;
}

static bool by_kmem_cache_bulk(gfp_t gfp)
{
	void *p[MANY];

	if (!kmem_cache_alloc_bulk(cache, gfp, MANY, p))
		return false;
	kmem_cache_free_bulk(cache, MANY, p);
	return true;
}

static bool by_page(gfp_t gfp)
{
	struct page *page = alloc_page(gfp);

	if (page)
		__free_page(page);
	return page;
}

static bool by_pages(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp, 3);

	if (page)
		__free_pages(page, 3);
	return page;
}

static bool by_pages_exact(gfp_t gfp)
{
	void *p = alloc_pages_exact(3 * PAGE_SIZE, gfp);

	if (p)
		free_pages_exact(p, 3 * PAGE_SIZE);
	return p;
}

static bool by_percpu(gfp_t gfp)
{
	void __percpu *p = __alloc_percpu_gfp(SIZE, 8, gfp);

	free_percpu(p);
	return p;
}

static bool by_vmalloc(gfp_t gfp)
{
	void *p = vmalloc(3 * PAGE_SIZE);

	vfree(p);
	return p;
}

static bool by_kvmalloc(gfp_t gfp)
{
	void *p = kvmalloc(READ_ONCE(large), gfp);

	kvfree(p);
	return p;
}

/**
 * struct way - a way to allocate memory
 * @name: name of the way in an order
 * @allocate: allocates and frees; returns false if the allocation failed
 * @task_only: true if @allocate may sleep, or needs interrupts on, independent of its gfp flags
 */
struct way {
	const char *name;
	bool (*allocate)(gfp_t gfp);
	bool task_only;
};

static const struct way ways[] = {
	{ .name = "kmalloc", .allocate = by_kmalloc },
	{ .name = "kmalloc_size", .allocate = by_kmalloc_size },
	{ .name = "kmalloc_node", .allocate = by_kmalloc_node },
	{ .name = "kmalloc_large", .allocate = by_kmalloc_large },
	{ .name = "kmalloc_large_size", .allocate = by_kmalloc_large_size },
	{ .name = "kmalloc_nofail", .allocate = by_kmalloc_nofail, .task_only = true },
	{ .name = "kmemdup", .allocate = by_kmemdup },
	{ .name = "krealloc", .allocate = by_krealloc },
	{ .name = "kmem_cache", .allocate = by_kmem_cache },
	{ .name = "kmem_cache_bulk", .allocate = by_kmem_cache_bulk, .task_only = true },
	{ .name = "page", .allocate = by_page },
	{ .name = "pages", .allocate = by_pages },
	{ .name = "pages_exact", .allocate = by_pages_exact },
	{ .name = "percpu", .allocate = by_percpu },
	{ .name = "vmalloc", .allocate = by_vmalloc, .task_only = true },
	{ .name = "kvmalloc", .allocate = by_kvmalloc, .task_only = true },
};

static const struct way *way_find(const char *name)
{
	const struct way *way;

	for (way = ways; name && way < ways + ARRAY_SIZE(ways); way++)
		if (!strcmp(way->name, name))
			return way;
	return NULL;
}

/* The function that tests name as the caller of an allocation. */
static noinline __noclone bool errpath_alloc_caller(const struct way *way, gfp_t gfp)
{
	bool done = way->allocate(gfp);

	barrier();	/* prevent a tail call, so that this function stays on the stack */
	return done;
}

struct in_irq {
	struct irq_work work;
	const struct way *way;
	bool done;
};

static void irq_work_runs(struct irq_work *work)
{
	struct in_irq *irq = container_of(work, struct in_irq, work);

	irq->done = errpath_alloc_caller(irq->way, GFP_ATOMIC);
}

static bool allocate_in_irq(const struct way *way)
{
	struct in_irq irq = { .work = IRQ_WORK_INIT(irq_work_runs), .way = way };

	irq_work_queue(&irq.work);
	irq_work_sync(&irq.work);
	return irq.done;
}

static bool allocate_in_atomic(const struct way *way)
{
	unsigned long flags;
	bool done;

	local_irq_save(flags);
	done = errpath_alloc_caller(way, GFP_ATOMIC);
	local_irq_restore(flags);
	return done;
}

static bool allocate_in_task(const struct way *way)
{
	return errpath_alloc_caller(way, GFP_KERNEL);
}

enum { IN_TASK, IN_ATOMIC, IN_IRQ, NR_CONTEXTS };

static const char * const context_names[NR_CONTEXTS] = {
	[IN_TASK] = "task",
	[IN_ATOMIC] = "atomic",
	[IN_IRQ] = "irq",
};

static bool (* const contexts[NR_CONTEXTS])(const struct way *way) = {
	[IN_TASK] = allocate_in_task,
	[IN_ATOMIC] = allocate_in_atomic,
	[IN_IRQ] = allocate_in_irq,
};

static int do_alloc(char *text)
{
	const struct way *way = way_find(order_word(&text));
	int context = order_choice(context_names, NR_CONTEXTS, order_word(&text) ?: "task");

	if (!way || context < 0 || order_end(text))
		return -EINVAL;
	if (context != IN_TASK && way->task_only)
		return -EINVAL;
	if (context != IN_TASK && IS_ENABLED(CONFIG_PREEMPT_RT))
		return -EOPNOTSUPP;	/* the locks of the allocators sleep on RT */
	return contexts[context](way) ? 0 : -ENOMEM;
}

/**
 * struct loop - the result of the last loop
 * @made: number of allocations
 * @failed: number of allocations that failed
 * @ns: duration of the whole loop in ns
 */
static struct loop {
	unsigned long made;
	unsigned long failed;
	u64 ns;
} loop;

static void loop_run(const struct way *way, unsigned long count)
{
	loop = (struct loop) { .made = count };
	loop.ns = ktime_get_ns();
	while (count--)
		if (!errpath_alloc_caller(way, GFP_ATOMIC))
			loop.failed++;
	loop.ns = ktime_get_ns() - loop.ns;
}

/* Measures allocations without anything between them, for make bench. */
static int do_loop(char *text)
{
	u64 count;
	int err = order_number(order_word(&text), LOOP_LIMIT, &count);
	const struct way *way = way_find(order_word(&text));
	unsigned long flags;

	if (err || !way || way->task_only || order_end(text))
		return -EINVAL;
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {	/* the locks of the allocators sleep on RT */
		loop_run(way, count);
		return 0;
	}
	local_irq_save(flags);
	loop_run(way, count);
	local_irq_restore(flags);
	return 0;
}

/* The chain of functions, and the losses of their error paths. */

#define LEVELS	5

static enum { LOSE_NONE, LOSE_PAGE, LOSE_OBJECT, LOSE_GUEST, LOSE_TASK } lost_at[LEVELS + 1];
static const char * const lose_names[] = {
	[LOSE_NONE] = "none",
	[LOSE_PAGE] = "page",
	[LOSE_OBJECT] = "object",
	[LOSE_GUEST] = "guest",
	[LOSE_TASK] = "task",
};

static DECLARE_WAIT_QUEUE_HEAD(never);

static int chain_fails(int level)
{
	if (lost_at[level] == LOSE_PAGE)
		(void)alloc_page(GFP_KERNEL);
	else if (lost_at[level] == LOSE_OBJECT)
		(void)kmalloc(SIZE, GFP_KERNEL);
	else if (lost_at[level] == LOSE_GUEST)
		panic("errpath_alloc: lost on purpose\n");
	else if (lost_at[level] == LOSE_TASK)
		wait_event(never, false);
	return -ENOMEM;
}

static int chain_ends(void)
{
	return 0;
}

#define LEVEL(level, below)				\
static noinline int errpath_alloc_chain##level(void)	\
{							\
	void *p = kmalloc(SIZE, GFP_KERNEL);		\
	int err;					\
							\
	if (!p)						\
		return chain_fails(level);		\
	err = below();					\
	kfree(p);					\
	return err;					\
}

LEVEL(5, chain_ends)
LEVEL(4, errpath_alloc_chain5)
LEVEL(3, errpath_alloc_chain4)
LEVEL(2, errpath_alloc_chain3)
LEVEL(1, errpath_alloc_chain2)

static const char * const go[] = { "go" };

static int do_chain(char *text)
{
	int err = order_choice(go, 1, order_word(&text)) ?: order_end(text);

	if (!err)
		err = errpath_alloc_chain1();
	barrier();	/* prevent a tail call, so that this function stays on the stack */
	return err;
}

static int do_lose(char *text)
{
	int what, err;
	u64 level;

	err = order_number(order_word(&text), LEVELS, &level);
	what = order_choice(lose_names, ARRAY_SIZE(lose_names), order_word(&text));
	if (err || !level || what < 0 || order_end(text))
		return -EINVAL;
	lost_at[level] = what;
	return 0;
}

/* Find a range that is free: one that was just allocated, as others use all memory. */
static unsigned long free_range(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, RANGE_ORDER);

	if (!page)
		return 0;
	__free_pages(page, RANGE_ORDER);
	return page_to_pfn(page);
}

static int do_range(char *text)
{
	int err = order_choice(go, 1, order_word(&text)) ?: order_end(text);
	unsigned long start;

	if (err || !IS_ENABLED(CONFIG_CONTIG_ALLOC))
		return err ?: -EOPNOTSUPP;
	start = free_range();
	if (!start)
		return -ENOMEM;
#ifdef CONFIG_CONTIG_ALLOC
	/* 0: the pages are not movable; in later kernels the argument has flags. */
	err = alloc_contig_range(start, start + BIT(RANGE_ORDER), 0, GFP_KERNEL);
	if (!err)
		free_contig_range(start, BIT(RANGE_ORDER));
#endif
	return err;
}

/**
 * struct command - a file that is written to run an order
 * @name: name of the file
 * @run: parses and runs the order
 */
struct command {
	const char *name;
	int (*run)(char *text);
};

static const struct command commands[] = {
	{ .name = "alloc", .run = do_alloc },
	{ .name = "chain", .run = do_chain },
	{ .name = "lose", .run = do_lose },
	{ .name = "range", .run = do_range },
};

static const struct command loop_command = { .name = "loop", .run = do_loop };

static DEFINE_MUTEX(commands_mutex);	/* one order at a time */

/* Allocates no memory except by the order: tests count allocations. */
static ssize_t command_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	const struct command *command = file_inode(file)->i_private;
	char text[64];
	int err;

	err = order_copy(text, sizeof(text), buf, len);
	if (err)
		return err;
	mutex_lock(&commands_mutex);
	err = command->run(text);
	mutex_unlock(&commands_mutex);
	return err ?: len;
}

static const struct file_operations command_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.write = command_write,
};

static ssize_t loop_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	char text[96];
	int n;

	mutex_lock(&commands_mutex);
	n = scnprintf(text, sizeof(text), "calls %lu failed %lu ns %llu\n", loop.made, loop.failed,
		      loop.ns);
	mutex_unlock(&commands_mutex);
	return simple_read_from_buffer(buf, len, pos, text, n);
}

/* Like errpath_target/call, it can be read at an offset. */
static const struct file_operations loop_fops = {
	.owner = THIS_MODULE,
	.read = loop_read,
	.write = command_write,
};

static struct dentry *root;

/* A cache with a constructor is not merged with others: it has its own name and objects. */
static void cache_construct(void *object)
{
}

static int __init errpath_alloc_init(void)
{
	const struct command *command;

	cache = kmem_cache_create(KBUILD_MODNAME, SIZE, 0, 0, cache_construct);
	if (!cache)
		return -ENOMEM;
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(root)) {
		kmem_cache_destroy(cache);
		return PTR_ERR(root);
	}
	for (command = commands; command < commands + ARRAY_SIZE(commands); command++)
		debugfs_create_file(command->name, 0200, root, (void *)command, &command_fops);
	debugfs_create_file(loop_command.name, 0600, root, (void *)&loop_command, &loop_fops);
	return 0;
}

static void __exit errpath_alloc_exit(void)
{
	debugfs_remove(root);
	kmem_cache_destroy(cache);
}

module_init(errpath_alloc_init);
module_exit(errpath_alloc_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Allocate memory in every way, to test errpath");
MODULE_INFO(test, "Y");
