/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only file with checks of the kernel version. Each check cites a commit and its
 * title; other files use the names that are defined here.
 */
#ifndef ERRPATH_COMPAT_H
#define ERRPATH_COMPAT_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/migrate.h>
#include <linux/rculist.h>
#ifdef CONFIG_KRETPROBE_ON_RETHOOK
#include <linux/rethook.h>
#endif
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/version.h>

#if IS_ENABLED(CONFIG_HYPERV)
#include <asm/mshyperv.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error errpath supports kernels from 6.1 on
#endif

/*
 * 4e239ddb7a1e ("ftrace: Make ftrace_regs abstract from direct use"), v6.13,
 * is also in stable trees and distributions: test for the macro that it added.
 */
#ifdef arch_ftrace_regs
#define compat_ftrace_regs(fregs)	arch_ftrace_regs(fregs)
#else
#define compat_ftrace_regs(fregs)	(fregs)
#endif

/*
 * 9b13df3fb64e ("timers: Rename del_timer_sync() to timer_delete_sync()"), v6.2, is
 * also in stable trees, and 8fa7292fee5c ("treewide: Switch/rename to timer_delete[_sync]()"),
 * v6.15, removed the old name.
 */
static inline void compat_timer_delete_sync(struct timer_list *timer)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	timer_delete_sync(timer);
#else
	del_timer_sync(timer);
#endif
}

/*
 * Kernel internals without an API. intercept_self_probe() makes the load fail on a kernel
 * where they differ.
 */

/* struct ftrace_ops keeps its state in @flags. */
static __always_inline bool compat_ftrace_is_enabled(const struct ftrace_ops *ops)
{
	return READ_ONCE(ops->flags) & FTRACE_OPS_FL_ENABLED;
}

/*
 * All kprobes on one address are on one list, with an aggregate kprobe, which has a
 * post_handler if one of them has. A kprobe that may change ip has one, other than @harmless.
 */
static inline bool compat_kprobe_is_contested(struct kprobe *scout,
					      kprobe_post_handler_t harmless)
{
	struct kprobe *other;
	unsigned int n = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(other, &scout->list, list)
		if (other->post_handler && other->post_handler != harmless)
			n++;
	rcu_read_unlock();
	return n > 1;
}

/*
 * A task has a list of the calls that it is in and that have a kretprobe:
 * 73f9b911faa7 ("kprobes: Use rethook for kretprobe if possible"), v5.18.
 */
#ifdef CONFIG_KRETPROBE_ON_RETHOOK
static __always_inline const struct rethook_node *
compat_kretprobe_node(const struct llist_node *call)
{
	return llist_entry(call, struct rethook_node, llist);
}

/* Return the innermost call of current, an entry of the list; NULL: there is none. Any context. */
static __always_inline const struct llist_node *compat_kretprobe_first(void)
{
	return READ_ONCE(current->rethooks.first);
}

/* Return the call outside @call. */
static __always_inline const struct llist_node *compat_kretprobe_next(const struct llist_node *call)
{
	return READ_ONCE(call->next);
}

/* Return what identifies the call's frame: arch_frame(). */
static __always_inline unsigned long compat_kretprobe_frame(const struct llist_node *call)
{
	return compat_kretprobe_node(call)->frame;
}

/* Return the address that the kretprobe replaced there. */
static __always_inline unsigned long compat_kretprobe_return(const struct llist_node *call)
{
	return compat_kretprobe_node(call)->ret_addr;
}

/* Return what is the same for all calls of one kretprobe, and for no others. */
static __always_inline const void *compat_kretprobe_owner(const struct llist_node *call)
{
	return compat_kretprobe_node(call)->rethook;
}

/* Return the same for a registered kretprobe; NULL: the kernel has no such list. */
static inline const void *compat_kretprobe_id(const struct kretprobe *probe)
{
	return probe->rh;
}
#elif defined(CONFIG_KRETPROBES)
static __always_inline const struct kretprobe_instance *
compat_kretprobe_instance(const struct llist_node *call)
{
	return llist_entry(call, struct kretprobe_instance, llist);
}

static __always_inline const struct llist_node *compat_kretprobe_first(void)
{
	return READ_ONCE(current->kretprobe_instances.first);
}

static __always_inline const struct llist_node *compat_kretprobe_next(const struct llist_node *call)
{
	return READ_ONCE(call->next);
}

static __always_inline unsigned long compat_kretprobe_frame(const struct llist_node *call)
{
	return (unsigned long)compat_kretprobe_instance(call)->fp;
}

static __always_inline unsigned long compat_kretprobe_return(const struct llist_node *call)
{
	return (unsigned long)compat_kretprobe_instance(call)->ret_addr;
}

static __always_inline const void *compat_kretprobe_owner(const struct llist_node *call)
{
	return compat_kretprobe_instance(call)->rph;
}

static inline const void *compat_kretprobe_id(const struct kretprobe *probe)
{
	return probe->rph;
}
#else
static __always_inline const struct llist_node *compat_kretprobe_first(void)
{
	return NULL;
}

static __always_inline const struct llist_node *compat_kretprobe_next(const struct llist_node *call)
{
	return NULL;
}

static __always_inline unsigned long compat_kretprobe_frame(const struct llist_node *call)
{
	return 0;
}

static __always_inline unsigned long compat_kretprobe_return(const struct llist_node *call)
{
	return 0;
}

static __always_inline const void *compat_kretprobe_owner(const struct llist_node *call)
{
	return NULL;
}

static inline const void *compat_kretprobe_id(const struct kretprobe *probe)
{
	return NULL;
}
#endif

/*
 * Return the address that a kretprobe replaced by @trampoline in the call with this frame; 0: no
 * kretprobe did.
 */
static inline unsigned long compat_kretprobe_caller(unsigned long frame, unsigned long trampoline)
{
	const struct llist_node *call;

	for (call = compat_kretprobe_first(); call; call = compat_kretprobe_next(call))
		if (compat_kretprobe_frame(call) == frame &&
		    compat_kretprobe_return(call) != trampoline)
			return compat_kretprobe_return(call);
	return 0;
}

/*
 * What struct ftrace_ops keeps of its filter, from kernel/trace/trace.h. Only the fields
 * that are read; the addresses are in the lists of @buckets.
 */
struct compat_ftrace_hash {
	unsigned long size_bits;
	struct hlist_head *buckets;
};

struct compat_ftrace_entry {
	struct hlist_node hlist;
	unsigned long ip;
};

/*
 * 2c92ca849fcc ("tracing/treewide: Remove second parameter of __assign_str()"),
 * v6.10. Debian did not backport it to 6.1.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define compat_assign_str(dst, src)	\
	do {				\
		(void)(src);		\
		__assign_str(dst);	\
	} while (0)
#else
#define compat_assign_str(dst, src)	__assign_str(dst, src)
#endif

/*
 * a30b48bf1b24 ("mm/migrate_device: implement THP migration of zone device pages"),
 * v6.19: before that, huge pages are split when they are collected.
 */
#ifdef MIGRATE_PFN_COMPOUND
#define COMPAT_MIGRATE_PFN_COMPOUND		MIGRATE_PFN_COMPOUND
#define COMPAT_MIGRATE_VMA_SELECT_COMPOUND	MIGRATE_VMA_SELECT_COMPOUND
#else
#define COMPAT_MIGRATE_PFN_COMPOUND		0
#define COMPAT_MIGRATE_VMA_SELECT_COMPOUND	0
#endif

/*
 * Device memory by folios: 3a5a06554566 ("mm/zone_device: rename page_free callback
 * to folio_free") and 12b2285bf3d1 ("mm/zone_device: reinitialize large zone device
 * private folios"), both in v6.19 with the macro above.
 */
#if defined(CONFIG_DEVICE_PRIVATE) && defined(MIGRATE_PFN_COMPOUND)
#define COMPAT_DEVICE_PRIVATE
#endif

/*
 * d69d80484598 ("driver core: have match() callback in struct bus_type take a
 * const *"), v6.11.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define compat_match_driver	const struct device_driver
#else
#define compat_match_driver	struct device_driver
#endif

/* const if the kernel declares struct device.bus as const, which 6.1 does not. */
#define compat_bus_type		typeof(*((struct device *)NULL)->bus)

#if IS_ENABLED(CONFIG_HYPERV)
/* db912b8954c2 ("hyperv: Change hv_root_partition into a function"), v6.15. */
static inline void compat_hv_set_root_partition(bool root)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	hv_curr_partition_type = root ? HV_PARTITION_TYPE_ROOT : HV_PARTITION_TYPE_GUEST;
#else
	hv_root_partition = root;
#endif
}
#endif

/*
 * 24e44cc22aa3 ("mm: percpu: enable per-cpu allocation tagging"), v6.10, renamed the percpu
 * allocator. Later kernels with debug objects have another static function of the old name.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define COMPAT_PCPU_ALLOC	"pcpu_alloc_noprof"
#else
#define COMPAT_PCPU_ALLOC	"pcpu_alloc"
#endif

/*
 * Arguments between size and gfp of __kmalloc_node_noprof() and similar functions:
 * 67f2df3b82d0 ("mm/slab: Plumb kmem_buckets into __do_kmalloc_node()"), v6.11; tokens
 * were added later. Both are configuration options.
 */
#define COMPAT_BUCKET_ARGS	IS_ENABLED(CONFIG_SLAB_BUCKETS)
#define COMPAT_TOKEN_ARGS	IS_ENABLED(CONFIG_KMALLOC_PARTITION_CACHES)

/*
 * 2cd8231796b5 ("mm/slub: allow to set node and align in k[v]realloc"), v6.18: test
 * for the macro that it added.
 */
#ifdef kvmalloc_node_align_noprof
#define COMPAT_KVMALLOC_ALIGN_ARGS	1
#else
#define COMPAT_KVMALLOC_ALIGN_ARGS	0
#endif

#endif /* ERRPATH_COMPAT_H */
