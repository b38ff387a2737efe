/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_DEBUGFS_H
#define ERRPATH_DEBUGFS_H

int errpath_debugfs_create(void);
void errpath_debugfs_open(void);
int errpath_debugfs_check_open(void);
void errpath_debugfs_remove(void);

#endif /* ERRPATH_DEBUGFS_H */
