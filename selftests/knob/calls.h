/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KNOB_CALLS_H
#define KNOB_CALLS_H

#include <stdbool.h>

#define TRACING "/sys/kernel/tracing"

/* Calls the function @which @count times. Returns how many calls failed, or -errno. */
long calls_failed(const char *which, long count);

/* Forks a child that makes @count calls. Returns how many of them failed, or -1. */
int calls_failed_in_child(const char *which, long count);

/* Returns true if a kprobe or ftrace hook is installed at @function, or if unknown. */
bool function_is_intercepted(const char *function);

#endif
