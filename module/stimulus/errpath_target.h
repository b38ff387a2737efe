/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_TARGET_H
#define ERRPATH_TARGET_H

int errpath_target(int x);
int errpath_target_notrace(int x);

#endif /* ERRPATH_TARGET_H */
