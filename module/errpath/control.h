/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_CONTROL_H
#define ERRPATH_CONTROL_H

#include <linux/fs.h>

extern const struct file_operations guard_fops;
extern const struct file_operations status_fops;

#endif /* ERRPATH_CONTROL_H */
