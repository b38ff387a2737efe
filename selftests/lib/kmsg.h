/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_KMSG_H
#define LIB_KMSG_H

#include <stdbool.h>
#include <stddef.h>

/* Opens the kernel log at its end. Returns a descriptor or -errno. */
int kmsg_open(void);

/* Reads the text of the next record. Returns false if there is none. */
bool kmsg_next(int fd, char *text, size_t size);

/* Returns how many of the remaining records match the extended regexp @regexp, or -errno. */
int kmsg_count(int fd, const char *regexp);

#endif
