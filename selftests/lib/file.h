/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_FILE_H
#define LIB_FILE_H

#include <stddef.h>

/* Whole small files in one call; both return a length or 0, or -errno. */
long file_read(const char *path, char *buf, size_t size);
int file_write(const char *path, const char *text);

#endif
