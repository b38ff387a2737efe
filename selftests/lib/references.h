/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_REFERENCES_H
#define LIB_REFERENCES_H

/*
 * What lives as long as somebody holds a reference to it: address spaces, tasks, process numbers,
 * credentials, users and namespaces. The kernel has a slab cache of each kind.
 */

/*
 * Lets the CPUs let go of the address spaces of dead processes, which they keep while they are
 * idle.
 */
void references_visit_cpus(void);

/* Takes from the CPUs the free objects that count as used. */
void references_shrink(void);

/*
 * Calls @take with each kind of which a cache holds nothing else: the name of the cache, how many
 * of its objects are parts of live tasks, and @data.
 */
void references_each(void (*take)(const char *cache, long live, void *data), void *data);

#endif
