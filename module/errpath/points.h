/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_POINTS_H
#define ERRPATH_POINTS_H

#include "point.h"

/* All points: those that files define, and those that were added at run time. */
extern struct list_head errpath_points;
/*
 * Guards errpath_points and the lifetime of added points. Taken before the mutex of a point,
 * never while a file operation of a knob runs.
 */
extern struct mutex errpath_points_mutex;

int points_init(void);
void points_exit(void);
struct errpath_point *points_lookup(const char *name);
struct errpath_point *points_lookup_function(const char *symbol);

#endif /* ERRPATH_POINTS_H */
