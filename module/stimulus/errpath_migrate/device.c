// SPDX-License-Identifier: GPL-2.0
/* Brings pages of the simulated device back to system memory: for CPU faults, and by eviction. */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "migrate.h"

#ifdef COMPAT_DEVICE_PRIVATE
static vm_fault_t device_bring_back(struct migrate_vma *args, const struct batch *b)
{
	if (migrate_vma_setup(args))
		return VM_FAULT_SIGBUS;
	if (batch_fill(b)) {
		migrate_vma_finalize(args);
		return VM_FAULT_OOM;
	}
	migrate_vma_pages(args);
	migrate_vma_finalize(args);
	return 0;
}

/*
 * Called with the page locked. A page that cannot be migrated at the moment faults again;
 * SIGBUS is returned only if it can never be migrated.
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
	.folio_free = pool_free,
	.migrate_to_ram = device_fault,
};

static int device_evict_range(unsigned long pfn, unsigned long nr)
{
	struct batch b = { .huge = true };
	int err = batch_init(&b, nr);

	if (!err) {
		migrate_device_range(b.src, pfn, nr);
		err = batch_fill(&b);
		if (!err)
			migrate_device_pages(b.src, b.dst, nr);
		migrate_device_finalize(b.src, b.dst, nr);
	}
	batch_free(&b);
	return err;
}

/**
 * device_evict() - migrate all pages of the device to system memory
 *
 * Independent of which processes have them mapped. May sleep.
 *
 * Return: 0, -ENOMEM, or -EBUSY if a page is locked or referenced elsewhere.
 */
int device_evict(void)
{
	int err = pool_walk(device_evict_range);

	if (err)
		return err;
	return pool_used() ? -EBUSY : 0;
}

/**
 * device_init() - create the device
 *
 * May sleep.
 *
 * Return: 0 or an error of pool_init().
 */
int device_init(void)
{
	return pool_init(&device_ops);
}
#endif /* COMPAT_DEVICE_PRIVATE */
