/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_LINES_H
#define LIB_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Returns the length of the first line of @text, its newline included. */
size_t lines_length(const char *text);

/*
 * Returns the first line at or after @at, a place in @text, that @text has more often than
 * @other, or NULL. Lines are equal if all their characters are, blanks included.
 */
const char *lines_missing(const char *text, const char *at, const char *other);

/* Returns whether @text has all lines of @some, in the same order. */
bool lines_in_order(const char *some, const char *text);

#endif
