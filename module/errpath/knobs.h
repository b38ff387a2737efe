/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_KNOBS_H
#define ERRPATH_KNOBS_H

#include <linux/types.h>

struct errpath_point;
struct seq_file;

/**
 * struct knob - one setting of a point, and its file in debugfs
 * @name: name of the file
 * @takes: the values that it accepts, for the kernel log
 * @set: sets the point from text without surrounding blanks, which it may consume;
 *	on error it changes nothing. NULL: the file is read-only
 * @show: prints the value
 * @offset: of an unsigned long in struct errpath_point, for the knobs that are one
 * @max: the greatest value of that
 * @exists: tests whether a point has the knob; NULL: every point has it
 * @lockless: @show does not need the point's mutex
 *
 * @set and @show run under the point's mutex; @show does not if @lockless.
 */
struct knob {
	const char *name;
	const char *takes;
	int (*set)(struct errpath_point *point, const struct knob *knob, char *text);
	void (*show)(struct errpath_point *point, const struct knob *knob, struct seq_file *seq);
	size_t offset;
	unsigned long max;
	bool (*exists)(const struct errpath_point *point);
	bool lockless;
};

extern const struct knob errpath_knobs[];	/* ends with one that has no name */

bool knob_exists(const struct errpath_point *point, const struct knob *knob);
int knob_refuse(const struct errpath_point *point, const struct knob *knob, int err);
int knob_set(struct errpath_point *point, const struct knob *knob, char *text);
void knob_show(struct errpath_point *point, const struct knob *knob, struct seq_file *seq);
size_t knob_expected_size(const struct errpath_point *point, const struct knob *knob);

#endif /* ERRPATH_KNOBS_H */
