/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_IOMEM_H
#define LIB_IOMEM_H

#define MiB (1UL << 20)
#define SECTION_SIZE (128 * MiB)
#define SUBSECTION_SIZE (2 * MiB)

/*
 * Returns the start of the first physical range of @size bytes, aligned to @align, above 4 GiB
 * and above RAM, that no line of /proc/iomem claims; 0 if /proc/iomem cannot be read.
 */
unsigned long iomem_unused(unsigned long size, unsigned long align);

/* Returns the size of all System RAM, used or not. */
unsigned long iomem_ram(void);

/* Returns the start of such a range in RAM that the kernel does not use (memmap=), or 0. */
unsigned long iomem_reserved_ram(unsigned long size, unsigned long align);

/*
 * Returns the start of an unclaimed subsection in a memory section that also holds RAM of the
 * boot, or 0 if the layout has none.
 */
unsigned long iomem_beside_ram(void);

#endif
