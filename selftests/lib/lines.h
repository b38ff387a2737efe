/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_LINES_H
#define LIB_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the first line of @text, its newline included. */
size_t lines_length(const char *text);

/*
 * The first line at or after @at, which is in @text, that @text has more often than @other;
 * NULL if there is none. Lines are equal if all their characters are, blanks included.
 */
const char *lines_missing(const char *text, const char *at, const char *other);

/* Are all lines of @some in @text too, in the same order? */
bool lines_in_order(const char *some, const char *text);

#endif
