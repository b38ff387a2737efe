/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_VARIABLES_H
#define LIB_VARIABLES_H

#include <stddef.h>

/* Variables of the kernel's image. */
enum variable {
	VARIABLE_HUGE_ZERO_REFCOUNT,	/* mm/huge_memory.c */
	VARIABLE_PCPU_CHUNK_LISTS,	/* mm/percpu.c */
	VARIABLE_PCPU_NR_SLOTS,
	NR_VARIABLES,
};

/*
 * Reads a variable. Returns 0 or -errno; -ENOENT: this kernel has no such variable, or does not
 * show its memory to this process.
 */
int variable_read(enum variable variable, void *buf, size_t size);

#endif
