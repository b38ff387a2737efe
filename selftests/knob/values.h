/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KNOB_VALUES_H
#define KNOB_VALUES_H

#include <stdbool.h>

/* A text that a knob accepts, and the value that it then reads as. */
struct knob_good {
	const char *knob;
	const char *text;
	const char *value;
};

/* A text that a knob refuses. */
struct knob_bad {
	const char *knob;
	const char *text;
};

/* Both end with an entry whose knob is NULL. */
extern const struct knob_good knob_good[];
extern const struct knob_bad knob_bad[];

/* Returns true if the knob reads as @value; otherwise prints what it reads as. */
bool knob_shows(const char *point, const char *knob, const char *value);

/* Returns the number of knobs that are not at their defaults, and prints each. */
int knobs_not_default(const char *point);

/* Writes all good texts, in order. Returns 0 or -errno. */
int knobs_set_good(const char *point);

#endif
