/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_KNOBS_H
#define ERRPATH_KNOBS_H

int knobs_create(void);
void knobs_open(void);
void knobs_remove(void);
int knobs_apply(const char *assignments);

#endif /* ERRPATH_KNOBS_H */
