/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checks of the prototypes that the argument numbers in point_alloc.c assume. With a
 * wrong number errpath reads another register: then the gfp filters are wrong, and so is
 * the test for __GFP_NOFAIL, whose callers do not check the result. If the prototype of a
 * new kernel differs, the build fails here: add a row here, and a number in compat.h.
 *
 * Only functions that the kernel's headers declare can be checked. From v6.10 on, each of
 * them is called through a macro whose name lacks the suffix _noprof.
 */
#ifndef ERRPATH_ALLOC_PROTOTYPES_H
#define ERRPATH_ALLOC_PROTOTYPES_H

#include <linux/build_bug.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "../common/compat.h"

#define PROTOTYPE(function, returns, ...)	\
	__builtin_types_compatible_p(typeof(function), returns(__VA_ARGS__))

#define EXPECT_PROTOTYPE(function, ...)	\
	static_assert(PROTOTYPE(function, __VA_ARGS__), #function "() has other arguments here")

/* The configuration can add arguments between the size and the other arguments. */
#if COMPAT_TOKEN_ARGS
#define EXPECT_KMALLOC(function, ...)	\
	EXPECT_PROTOTYPE(function, void *, size_t, kmalloc_token_t, __VA_ARGS__)
#else
#define EXPECT_KMALLOC(function, ...)	\
	EXPECT_PROTOTYPE(function, void *, size_t, __VA_ARGS__)
#endif

#if COMPAT_BUCKET_ARGS && COMPAT_TOKEN_ARGS
#define EXPECT_KMALLOC_NODE(function, ...)	\
	EXPECT_PROTOTYPE(function, void *, size_t, kmem_buckets *, kmalloc_token_t, __VA_ARGS__)
#elif COMPAT_BUCKET_ARGS
#define EXPECT_KMALLOC_NODE(function, ...)	\
	EXPECT_PROTOTYPE(function, void *, size_t, kmem_buckets *, __VA_ARGS__)
#else
#define EXPECT_KMALLOC_NODE(function, ...)	\
	EXPECT_KMALLOC(function, __VA_ARGS__)
#endif

#ifdef kmem_cache_alloc

#ifdef __alloc_pages
EXPECT_PROTOTYPE(__alloc_pages_noprof, struct page *, gfp_t, unsigned int, int, nodemask_t *);
#endif
#ifdef alloc_contig_range
/* The third argument became an acr_flags_t. */
static_assert(PROTOTYPE(alloc_contig_range_noprof, int, unsigned long, unsigned long,
			unsigned int, gfp_t));
EXPECT_PROTOTYPE(alloc_contig_pages_noprof, struct page *, unsigned long, gfp_t, int,
		 nodemask_t *);
#endif
#ifdef alloc_contig_frozen_range
EXPECT_PROTOTYPE(alloc_contig_frozen_range_noprof, int, unsigned long, unsigned long,
		 unsigned int, gfp_t);
EXPECT_PROTOTYPE(alloc_contig_frozen_pages_noprof, struct page *, unsigned long, gfp_t, int,
		 nodemask_t *);
#endif
/* With a list of pages until v6.13. */
static_assert(PROTOTYPE(alloc_pages_bulk_noprof, unsigned long, gfp_t, int, nodemask_t *, int,
			struct list_head *, struct page **) ||
	      PROTOTYPE(alloc_pages_bulk_noprof, unsigned long, gfp_t, int, nodemask_t *, int,
			struct page **));

EXPECT_PROTOTYPE(kmem_cache_alloc_noprof, void *, struct kmem_cache *, gfp_t);
EXPECT_PROTOTYPE(kmem_cache_alloc_lru_noprof, void *, struct kmem_cache *, struct list_lru *,
		 gfp_t);
EXPECT_PROTOTYPE(kmem_cache_alloc_node_noprof, void *, struct kmem_cache *, gfp_t, int);
/* It returned an int, then a bool. */
static_assert(PROTOTYPE(kmem_cache_alloc_bulk_noprof, int, struct kmem_cache *, gfp_t, size_t,
			void **) ||
	      PROTOTYPE(kmem_cache_alloc_bulk_noprof, bool, struct kmem_cache *, gfp_t, size_t,
			void **));
EXPECT_KMALLOC(__kmalloc_noprof, gfp_t);
EXPECT_KMALLOC_NODE(__kmalloc_node_noprof, gfp_t, int);
EXPECT_KMALLOC_NODE(__kmalloc_node_track_caller_noprof, gfp_t, int, unsigned long);
#if COMPAT_KVMALLOC_ALIGN_ARGS
EXPECT_KMALLOC_NODE(__kvmalloc_node_noprof, unsigned long, gfp_t, int);
#else
EXPECT_KMALLOC_NODE(__kvmalloc_node_noprof, gfp_t, int);
#endif
EXPECT_PROTOTYPE(__kmalloc_cache_noprof, void *, struct kmem_cache *, gfp_t, size_t);
EXPECT_PROTOTYPE(__kmalloc_cache_node_noprof, void *, struct kmem_cache *, gfp_t, int, size_t);
EXPECT_PROTOTYPE(__kmalloc_large_noprof, void *, size_t, gfp_t);
EXPECT_PROTOTYPE(__kmalloc_large_node_noprof, void *, size_t, gfp_t, int);
#ifdef kmalloc_nolock
EXPECT_KMALLOC(_kmalloc_nolock_noprof, gfp_t, int);
#endif

EXPECT_PROTOTYPE(pcpu_alloc_noprof, void __percpu *, size_t, size_t, bool, gfp_t);
EXPECT_PROTOTYPE(__vmalloc_node_range_noprof, void *, unsigned long, unsigned long,
		 unsigned long, unsigned long, gfp_t, pgprot_t, unsigned long, int, const void *);

#else

EXPECT_PROTOTYPE(__alloc_pages, struct page *, gfp_t, unsigned int, int, nodemask_t *);
EXPECT_PROTOTYPE(__alloc_pages_bulk, unsigned long, gfp_t, int, nodemask_t *, int,
		 struct list_head *, struct page **);
#ifdef CONFIG_CONTIG_ALLOC
EXPECT_PROTOTYPE(alloc_contig_range, int, unsigned long, unsigned long, unsigned int, gfp_t);
EXPECT_PROTOTYPE(alloc_contig_pages, struct page *, unsigned long, gfp_t, int, nodemask_t *);
#endif

EXPECT_PROTOTYPE(kmem_cache_alloc, void *, struct kmem_cache *, gfp_t);
EXPECT_PROTOTYPE(kmem_cache_alloc_lru, void *, struct kmem_cache *, struct list_lru *, gfp_t);
EXPECT_PROTOTYPE(kmem_cache_alloc_node, void *, struct kmem_cache *, gfp_t, int);
EXPECT_PROTOTYPE(kmem_cache_alloc_bulk, int, struct kmem_cache *, gfp_t, size_t, void **);
EXPECT_PROTOTYPE(__kmalloc, void *, size_t, gfp_t);
EXPECT_PROTOTYPE(__kmalloc_node, void *, size_t, gfp_t, int);
EXPECT_PROTOTYPE(__kmalloc_node_track_caller, void *, size_t, gfp_t, int, unsigned long);
EXPECT_PROTOTYPE(kmalloc_trace, void *, struct kmem_cache *, gfp_t, size_t);
EXPECT_PROTOTYPE(kmalloc_node_trace, void *, struct kmem_cache *, gfp_t, int, size_t);
EXPECT_PROTOTYPE(kmalloc_large, void *, size_t, gfp_t);
EXPECT_PROTOTYPE(kmalloc_large_node, void *, size_t, gfp_t, int);

EXPECT_PROTOTYPE(__vmalloc_node_range, void *, unsigned long, unsigned long, unsigned long,
		 unsigned long, gfp_t, pgprot_t, unsigned long, int, const void *);
EXPECT_PROTOTYPE(kvmalloc_node, void *, size_t, gfp_t, int);

#endif

#undef EXPECT_KMALLOC_NODE
#undef EXPECT_KMALLOC
#undef EXPECT_PROTOTYPE
#undef PROTOTYPE

#endif /* ERRPATH_ALLOC_PROTOTYPES_H */
