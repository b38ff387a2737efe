/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_ARM_H
#define ERRPATH_ARM_H

struct errpath_point;
struct module;

int point_init(struct errpath_point *point);
int point_update(struct errpath_point *point);
void point_limit(struct errpath_point *point);
void point_reset(struct errpath_point *point);
void point_exit(struct errpath_point *point);
void point_module_coming(struct errpath_point *point, const char *module);
void point_module_going(struct errpath_point *point, const struct module *module);

#endif /* ERRPATH_ARM_H */
