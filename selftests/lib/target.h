/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_TARGET_H
#define LIB_TARGET_H

/* The results of calls of the functions of errpath_target.ko. */
struct target_calls {
	unsigned long made;
	unsigned long failed;
	int last_errno;
	unsigned long long ns;
};

/*
 * Calls errpath_target() ("traced") or errpath_target_notrace() ("notrace")
 * @count times in a context ("task", "atomic", "softirq", "irq", "loop").
 * Returns 0 or -errno.
 */
int target_call(unsigned long count, const char *which, const char *context,
		struct target_calls *calls);

#endif
