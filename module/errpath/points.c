// SPDX-License-Identifier: GPL-2.0
/* The list of all points. functions.c adds points to it and removes them. */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "arm.h"
#include "points.h"

static struct errpath_point * const built_in[] = { ERRPATH_POINT_ADDRESSES };

LIST_HEAD(errpath_points);
/* points.h says what it guards. */
DEFINE_MUTEX(errpath_points_mutex);

/**
 * points_init() - initialise the points that files define
 *
 * Context: may sleep.
 *
 * Return: 0, or with no point in the list an error of point_init().
 */
int points_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(built_in); i++) {
		err = point_init(built_in[i]);
		if (err) {
			points_exit();
			return err;
		}
		list_add_tail(&built_in[i]->list, &errpath_points);
	}
	return 0;
}

/**
 * points_exit() - disarm the points of the list and free their memory
 *
 * Call it when functions_remove_all() has removed the added points.
 *
 * Context: may sleep.
 */
void points_exit(void)
{
	struct errpath_point *point, *next;

	list_for_each_entry_safe(point, next, &errpath_points, list) {
		list_del(&point->list);
		point_exit(point);
	}
}

/**
 * points_lookup() - find a point by its name
 * @name: the name
 *
 * Context: with errpath_points_mutex held, or in the module's init.
 *
 * Return: the point, or NULL.
 */
struct errpath_point *points_lookup(const char *name)
{
	struct errpath_point *point;

	list_for_each_entry(point, &errpath_points, list)
		if (!strcmp(point->name, name))
			return point;
	return NULL;
}

/**
 * points_lookup_function() - find the point that has a function
 * @symbol: the function, as NAME or MODULE:NAME
 *
 * Context: as points_lookup().
 *
 * Return: the point, or NULL.
 */
struct errpath_point *points_lookup_function(const char *symbol)
{
	const struct errpath_function *fn;
	struct errpath_point *point;

	list_for_each_entry(point, &errpath_points, list)
		for (fn = point->functions; fn->symbol; fn++)
			if (!strcmp(fn->symbol, symbol))
				return point;
	return NULL;
}
