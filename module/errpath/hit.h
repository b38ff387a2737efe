/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_HIT_H
#define ERRPATH_HIT_H

struct intercept_entry;

/* What ftrace and kprobes call for each function of a point. */
extern const struct intercept_entry errpath_entry;

#endif /* ERRPATH_HIT_H */
