/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_PERCPU_USE_H
#define LIB_PERCPU_USE_H

/*
 * Counts the bytes of percpu memory that are allocated, for each CPU; a percpu_ref has 8 of them.
 * Returns 0 or -errno; -ENOENT: this kernel does not show its memory or its types to this process.
 */
int percpu_use(long *bytes);

#endif
