/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_RECORD_H
#define LIB_RECORD_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Write a line of JSON for the host to the virtio port errpath.sweep, or to stdout as a comment
 * if there is no such port. When record_end() returns, the host has the line. In an array @key is
 * NULL.
 */
void record_begin(const char *event);
void record_text(const char *key, const char *value);
void record_number(const char *key, long value);
void record_array(const char *key);	/* record_close() ends it */
void record_object(const char *key);	/* record_close() ends it */
void record_close(void);
void record_end(void);
/* Returns whether the host got the last line, and so will end a guest that asks for it. */
bool record_reaches_host(void);

/* record_start() and record_print() do the same with an object that is no event of a sweep. */
void record_start(void);
void record_print(FILE *file);

#endif
