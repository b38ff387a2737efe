// SPDX-License-Identifier: GPL-2.0
/* The operations that split a huge PMD, and what each must do to the memory. */
#include <errno.h>
#include <string.h>

#include "lazy/operation.h"

static const struct lazy_operation lazy_operations[] = {
	{
		.name = "mprotect",
		.operation = "mprotect() of a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_mprotect,
		.err = -ENOMEM,
		.site = "vma_adjust_trans_huge",
		.above = "do_mprotect_pkey",
	},
	{
		.name = "mprotect_zero",
		.operation = "mprotect() of a part of the huge zero page",
		.prepare = split_prepare_zero,
		.operate = split_mprotect,
		.err = -ENOMEM,
		.site = "vma_adjust_trans_huge",
		.above = "do_mprotect_pkey",
		.zero_page = true,
	},
	{
		.name = "munmap",
		.operation = "munmap() of a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_munmap,
		.err = -ENOMEM,
		.site = "vma_adjust_trans_huge",
		.above = "__vm_munmap",
		.part = PART_GONE,
	},
	{
		.name = "mmap_over",
		.operation = "mmap() over a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_mmap_over,
		.err = -ENOMEM,
		.site = "vma_adjust_trans_huge",
		.above = "mmap_region",
		.part = PART_ZERO,
	},
	{
		.name = "mlock",
		.operation = "mlock() of a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_mlock,
		.err = -ENOMEM,
		.site = "vma_adjust_trans_huge",
		.above = "do_mlock",
	},
	{
		.name = "mbind",
		.operation = "mbind() of a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_mbind,
		.err = -ENOMEM,
		.site = "vma_adjust_trans_huge",
		.above = "__x64_sys_mbind",
		.option = "CONFIG_NUMA",
	},
	{
		.name = "mremap",
		.operation = "mremap() of a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_mremap,
		.err = -ENOMEM,
		.site = "move_page_tables",
		.part = PART_MOVED,
		.tables = 1,
	},
	/* Advice that changes flags of a mapping: madvise() turns ENOMEM into EAGAIN. */
	{
		.name = "dontfork",
		.operation = "MADV_DONTFORK of a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_dontfork,
		.err = -EAGAIN,
		.site = "vma_adjust_trans_huge",
		.above = "do_madvise",
	},
	/* Success would mean that the part reads as zero. */
	{
		.name = "dontneed",
		.operation = "MADV_DONTNEED of a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_dontneed,
		.err = -ENOMEM,
		.site = "vma_adjust_trans_huge",
		.above = "do_madvise",
		.part = PART_ZERO,
	},
	/* Success would mean that every access to the part gets a signal. */
	{
		.name = "guard",
		.operation = "MADV_GUARD_INSTALL on a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_guard,
		.err = -ENOMEM,
		.site = "vma_adjust_trans_huge",
		.above = "do_madvise",
		.part = PART_GONE,
	},
	/* Advice that the kernel may ignore: it succeeds. */
	{
		.name = "free",
		.operation = "MADV_FREE of a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_free,
		.site = "try_to_migrate_one",
		.splits_folio = true,
	},
	{
		.name = "cold",
		.operation = "MADV_COLD of a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_cold,
		.site = "try_to_migrate_one",
		.splits_folio = true,
	},
	{
		.name = "pageout",
		.operation = "MADV_PAGEOUT of a part of a THP",
		.prepare = split_prepare_thp,
		.operate = split_pageout,
		.site = "try_to_migrate_one",
		.splits_folio = true,
	},
	{
		.name = "cow",
		.operation = "MADV_POPULATE_WRITE of a part of a THP shared by fork",
		.prepare = split_prepare_shared,
		.operate = split_populate,
		.err = -ENOMEM,
		.site = "do_huge_pmd_wp_page",
		.forks = true,
	},
	{
		.name = "fork_pinned",
		.operation = "fork() with a pinned THP",
		.prepare = split_prepare_pinned,
		.operate = split_fork,
		.err = -ENOMEM,
		.site = "copy_huge_pmd",
		.option = "CONFIG_IO_URING",
		.forks = true,
	},
	{
		.name = "uffd_wp",
		.operation = "UFFDIO_WRITEPROTECT of a part of a THP",
		.prepare = split_prepare_wp,
		.operate = split_wp,
		.err = -ENOMEM,
		.site = "change_protection",
		.option = "CONFIG_USERFAULTFD",
	},
	{
		.name = "uffd_move",
		.operation = "UFFDIO_MOVE of a part of a THP",
		.prepare = split_prepare_move,
		.operate = split_move,
		.err = -ENOMEM,
		.site = "move_pages",
		.inlined_in = "userfaultfd_ioctl",
		.option = "CONFIG_USERFAULTFD",
		.part = PART_MOVED,
		.tables = 1,
	},
	{
		.name = "pagemap_scan",
		.operation = "PAGEMAP_SCAN that write-protects a part of a THP",
		.prepare = split_prepare_wp_async,
		.operate = split_scan,
		.err = -ENOMEM,
		.site = "pagemap_scan_pmd_entry",
		.option = "CONFIG_PTE_MARKER_UFFD_WP",
	},
	{
		.name = "swap",
		.operation = "MADV_PAGEOUT of a THP, with swap space",
		.prepare = split_prepare_thp,
		.operate = split_swap,
		.site = "try_to_unmap_one",
		.option = "CONFIG_ZRAM",
		.needs = LAZY_SWAP,
	},
	/* A cgroup from which too little memory was reclaimed: EAGAIN. */
	{
		.name = "reclaim",
		.operation = "reclaim of a memory cgroup with a THP",
		.prepare = split_prepare_thp,
		.operate = split_reclaim,
		.err = -EAGAIN,
		.site = "try_to_unmap_one",
		.option = "CONFIG_MEMCG and CONFIG_ZRAM",
		.needs = LAZY_MEMCG,
	},
	{}
};

const struct lazy_operation *lazy_operation_find(const char *name)
{
	const struct lazy_operation *op = lazy_operations;

	while (op->name && strcmp(op->name, name))
		op++;
	return op->name ? op : NULL;
}

bool lazy_is_whole(const struct lazy_operation *op, const struct split *s)
{
	return op->zero_page ? split_zero(s->mem, 0, SPLIT_PAGES) :
			       !split_wrong(s->mem, 0, SPLIT_PAGES);
}

static bool lazy_part_is_done(const struct lazy_operation *op, const struct split *s)
{
	const char *first = s->mem + SPLIT_FIRST * SPLIT_PAGE;
	const size_t size = (SPLIT_END - SPLIT_FIRST) * SPLIT_PAGE;

	switch (op->part) {
	case PART_SAME:
		return !split_wrong(s->mem, SPLIT_FIRST, SPLIT_END);
	case PART_ZERO:
		return split_zero(s->mem, SPLIT_FIRST, SPLIT_END);
	case PART_GONE:
		return split_faults(first) && split_faults(first + size - SPLIT_PAGE);
	case PART_MOVED:
		return !split_wrong(s->spare, SPLIT_FIRST, SPLIT_END);
	}
	return false;
}

bool lazy_is_done(const struct lazy_operation *op, const struct split *s)
{
	if (op->zero_page)
		return lazy_is_whole(op, s);
	return !split_wrong(s->mem, 0, SPLIT_FIRST) && lazy_part_is_done(op, s) &&
	       !split_wrong(s->mem, SPLIT_END, SPLIT_PAGES);
}
