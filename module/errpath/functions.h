/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_FUNCTIONS_H
#define ERRPATH_FUNCTIONS_H

#include <linux/fs.h>

extern const struct file_operations functions_fops;

void functions_remove_all(void);

#endif /* ERRPATH_FUNCTIONS_H */
