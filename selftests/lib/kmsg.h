/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_KMSG_H
#define LIB_KMSG_H

#include <stdbool.h>
#include <stddef.h>

/* A descriptor at the end of the kernel log, or -errno. */
int kmsg_open(void);

/* The text of the next record, until there is none. */
bool kmsg_next(int fd, char *text, size_t size);

/* How many of the records since match the extended regexp @regexp. */
int kmsg_count(int fd, const char *regexp);

#endif
