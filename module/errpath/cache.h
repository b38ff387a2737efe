/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_CACHE_H
#define ERRPATH_CACHE_H

#include <linux/kconfig.h>
#include <linux/types.h>

struct kmem_cache;
struct kobject;

#define CACHE_NAME_MAX	64	/* size of a cache's name with its NUL */

/**
 * struct cache_choice - the slab cache of the knob cache
 * @name: as it was written; empty: none
 * @kobj: the cache's, held so that no other cache gets the same address; NULL: none
 */
struct cache_choice {
	char name[CACHE_NAME_MAX];
	struct kobject *kobj;
};

/* Whether the kernel shows its slab caches in sysfs: SLAB_SUPPORTS_SYSFS of mm/slab.h. */
#define CACHES_ARE_IN_SYSFS	(IS_ENABLED(CONFIG_SLUB) && IS_ENABLED(CONFIG_SYSFS) && \
				 !IS_ENABLED(CONFIG_SLUB_TINY))

const struct kmem_cache *cache_choose(struct cache_choice *choice, const char *name);
void cache_forget(struct cache_choice *choice);

#endif /* ERRPATH_CACHE_H */
