/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_DEBUGFS_H
#define ERRPATH_DEBUGFS_H

struct errpath_point;

int errpath_debugfs_create(void);
void errpath_debugfs_open(void);
int errpath_debugfs_check_open(void);
void errpath_debugfs_remove(void);
int errpath_debugfs_add_point(struct errpath_point *point);
void errpath_debugfs_remove_point(struct errpath_point *point);

#endif /* ERRPATH_DEBUGFS_H */
