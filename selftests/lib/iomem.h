/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_IOMEM_H
#define LIB_IOMEM_H

#define MiB (1UL << 20)
#define SECTION_SIZE (128 * MiB)
#define SUBSECTION_SIZE (2 * MiB)

/*
 * Start of the first physical range of @size bytes, aligned to @align, above
 * 4 GiB and above RAM, that nothing in /proc/iomem claims.
 */
unsigned long iomem_unused(unsigned long size, unsigned long align);

/* Bytes of all System RAM, used or not. */
unsigned long iomem_ram(void);

/* Start of such a range in RAM that the kernel was told to leave alone, or 0. */
unsigned long iomem_reserved_ram(unsigned long size, unsigned long align);

/*
 * Start of an unclaimed subsection in a memory section that holds boot RAM.
 * 0: the layout has none.
 */
unsigned long iomem_beside_ram(void);

#endif
