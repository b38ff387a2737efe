// SPDX-License-Identifier: GPL-2.0
/*
 * Finds slab caches by their names. Modules can see neither struct kmem_cache nor the list of
 * the caches, but sysfs has an object of each cache. Caches that were merged are one cache, and
 * the names of the others are links to it.
 */
#include <linux/err.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "cache.h"

#define PROBE_NAME	"errpath_cache_probe"

/* Return the sysfs object of a cache, held; NULL: there is none. */
static struct kobject *cache_find(const char *name)
{
	struct kernfs_node *directory, *node;
	struct kobject *kobj = NULL;

	directory = kernfs_find_and_get(kernel_kobj->sd, "slab");
	if (!directory)
		return NULL;
	node = kernfs_find_and_get(directory, name);
	if (node && kernfs_type(node) == KERNFS_LINK)
		kobj = node->symlink.target_kn->priv;
	else if (node && kernfs_type(node) == KERNFS_DIR)
		kobj = node->priv;
	/* Not held against a cache that is destroyed right now, as with its module. */
	kobj = kobj && kobject_get_unless_zero(kobj) ? kobj : NULL;
	kernfs_put(node);
	kernfs_put(directory);
	return kobj;
}

/* A cache with a constructor is not merged with others. */
static void probe_construct(void *object)
{
}

/* Return where a struct kmem_cache has its kobject, or a negative error. */
static long cache_kobject_offset(void)
{
	static long offset;
	struct kmem_cache *probe;
	struct kobject *kobj;

	if (offset)
		return offset;
	probe = kmem_cache_create(PROBE_NAME, sizeof(long), 0, 0, probe_construct);
	if (!probe)
		return -ENOMEM;
	kobj = cache_find(PROBE_NAME);
	if (kobj)
		offset = (void *)kobj - (void *)probe;
	kobject_put(kobj);
	kmem_cache_destroy(probe);
	return offset ?: -EINVAL;
}

/**
 * cache_choose() - choose a slab cache by its name
 * @choice: the choice, which is changed unless this fails
 * @name: a name in /sys/kernel/slab
 *
 * Context: may sleep; not concurrently for one @choice, nor for two at the first time.
 *
 * Return: the address of the cache, which is not used again until cache_forget(); or an error
 * pointer: -EINVAL if there is no such cache.
 */
const struct kmem_cache *cache_choose(struct cache_choice *choice, const char *name)
{
	long offset = cache_kobject_offset();
	struct kobject *kobj;

	if (offset < 0)
		return ERR_PTR(offset);
	if (strlen(name) >= sizeof(choice->name) || strchr(name, '/'))
		return ERR_PTR(-EINVAL);
	kobj = cache_find(name);
	if (!kobj)
		return ERR_PTR(-EINVAL);
	cache_forget(choice);
	choice->kobj = kobj;
	strscpy(choice->name, name, sizeof(choice->name));
	return (void *)kobj - offset;
}

/**
 * cache_forget() - choose no cache
 * @choice: the choice
 *
 * Context: may sleep.
 */
void cache_forget(struct cache_choice *choice)
{
	kobject_put(choice->kobj);
	*choice = (struct cache_choice) {};
}
