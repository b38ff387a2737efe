// SPDX-License-Identifier: GPL-2.0
/*
 * Out of memory: the entry points of the kernel's allocators, under the names they have
 * in any supported kernel; each kernel has some of them. They call each other: kvmalloc()
 * calls the slab allocator and then vmalloc(), slabs call the page allocator. Only the
 * outermost call fails. So a call by an interrupt that arrives inside an allocator, or by
 * direct reclaim below one, does not fail.
 *
 * alloc_prototypes.h checks the argument numbers: if the headers of a kernel declare
 * other arguments, the build fails.
 */
#include <linux/errno.h>

#include "alloc_prototypes.h"

#include "../common/compat.h"
#include "point.h"

#define ALLOCATOR(_kind, _symbol, _gfp, _size, _unit, ...) \
	{ .symbol = _symbol, .kind = _kind, \
	  .request = { .gfp = _gfp, .size = _size, .unit = REQUEST_##_unit, __VA_ARGS__ } }

#define PAGE(...)	ALLOCATOR("page", __VA_ARGS__)
#define SLAB(...)	ALLOCATOR("slab", __VA_ARGS__)
#define PERCPU(...)	ALLOCATOR("percpu", __VA_ARGS__)
#define VMALLOC(...)	ALLOCATOR("vmalloc", __VA_ARGS__)

/* For CMA and virtio-mem: int (start, end, ..., gfp), in page frame numbers. */
#define CONTIG(_symbol) \
	{ .symbol = _symbol, .kind = "page", .returns = -ENOMEM, \
	  .request = { .gfp = 3, .size = 0, .count = 1, .unit = REQUEST_PFNS } }

/* Number of gfp, which follows the size and arguments that the configuration adds. */
#define KMALLOC_GFP		(1 + COMPAT_TOKEN_ARGS)
#define KMALLOC_NODE_GFP	(1 + COMPAT_BUCKET_ARGS + COMPAT_TOKEN_ARGS)
#define KVMALLOC_GFP		(KMALLOC_NODE_GFP + COMPAT_KVMALLOC_ALIGN_ARGS)

static struct errpath_function functions[] = {
	PAGE("__alloc_pages", 0, 1, ORDER),
	PAGE("__alloc_pages_noprof", 0, 1, ORDER),
	PAGE("__alloc_frozen_pages_noprof", 0, 1, ORDER),
	PAGE("alloc_frozen_pages_nolock_noprof", 0, 2, ORDER),
	PAGE("__alloc_pages_bulk", 0, 3, PAGES),
	PAGE("alloc_pages_bulk_noprof", 0, 3, PAGES),
	PAGE("alloc_contig_pages", 1, 0, PAGES),
	PAGE("alloc_contig_pages_noprof", 1, 0, PAGES),
	PAGE("alloc_contig_frozen_pages_noprof", 1, 0, PAGES),
	CONTIG("alloc_contig_range"),
	CONTIG("alloc_contig_range_noprof"),
	CONTIG("alloc_contig_frozen_range_noprof"),

	SLAB("kmem_cache_alloc", 1, 0, CACHE),
	SLAB("kmem_cache_alloc_noprof", 1, 0, CACHE),
	SLAB("kmem_cache_alloc_lru", 2, 0, CACHE),
	SLAB("kmem_cache_alloc_lru_noprof", 2, 0, CACHE),
	SLAB("kmem_cache_alloc_node", 1, 0, CACHE),
	SLAB("kmem_cache_alloc_node_noprof", 1, 0, CACHE),
	SLAB("kmem_cache_alloc_bulk", 1, 0, OBJECTS, .count = 2),
	SLAB("kmem_cache_alloc_bulk_noprof", 1, 0, OBJECTS, .count = 2),
	SLAB("kmem_cache_prefill_sheaf", 1, 0, OBJECTS, .count = 2),
	{ .symbol = "kmem_cache_refill_sheaf", .kind = "slab", .returns = -ENOMEM,
	  .request = { .gfp = 1, .size = 0, .count = 3, .unit = REQUEST_OBJECTS } },
	SLAB("__kmalloc", 1, 0, BYTES),
	SLAB("__kmalloc_noprof", KMALLOC_GFP, 0, BYTES),
	SLAB("__kmalloc_node", 1, 0, BYTES),
	SLAB("__kmalloc_node_noprof", KMALLOC_NODE_GFP, 0, BYTES),
	SLAB("__kmalloc_node_track_caller", 1, 0, BYTES),
	SLAB("__kmalloc_node_track_caller_noprof", KMALLOC_NODE_GFP, 0, BYTES),
	SLAB("kmalloc_trace", 1, 2, KMALLOC),
	SLAB("__kmalloc_cache_noprof", 1, 2, KMALLOC),
	SLAB("kmalloc_node_trace", 1, 3, KMALLOC),
	SLAB("__kmalloc_cache_node_noprof", 1, 3, KMALLOC),
	SLAB("kmalloc_large", 1, 0, BYTES),
	SLAB("__kmalloc_large_noprof", 1, 0, BYTES),
	SLAB("kmalloc_large_node", 1, 0, BYTES),
	SLAB("__kmalloc_large_node_noprof", 1, 0, BYTES),
	SLAB("_kmalloc_nolock_noprof", KMALLOC_GFP, 0, BYTES),

	PERCPU(COMPAT_PCPU_ALLOC, 3, 0, BYTES),

	VMALLOC("__vmalloc_node_range", 4, 0, BYTES),
	VMALLOC("__vmalloc_node_range_noprof", 4, 0, BYTES),
	VMALLOC("kvmalloc_node", 1, 0, BYTES),
	VMALLOC("__kvmalloc_node_noprof", KVMALLOC_GFP, 0, BYTES),
	{}
};

struct errpath_point point_alloc = {
	.name = "alloc",
	.functions = functions,
	.default_errno = -ENOMEM,
	.outermost = true,
};
