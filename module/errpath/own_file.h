/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_OWN_FILE_H
#define ERRPATH_OWN_FILE_H

#include <linux/types.h>

struct dentry;

void own_file_set_root(struct dentry *root);
bool own_file_is_opened(void);

#endif /* ERRPATH_OWN_FILE_H */
