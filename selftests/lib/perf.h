/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_PERF_H
#define LIB_PERF_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Open a perf event that counts how often a function is entered or returns, or how often an
 * event of tracefs fires, in the task @pid (0: the caller; -1: all tasks). Return a descriptor or
 * -errno.
 */
int perf_open_probe(const char *function, bool at_return, pid_t pid);
int perf_open_event(const char *name, pid_t pid);

/* Returns the count, or -errno. */
long perf_count(int fd);

#endif
