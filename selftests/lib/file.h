/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_FILE_H
#define LIB_FILE_H

#include <stddef.h>

/* Reads a small file as a string. Returns its length, or -errno; -EFBIG: @buf is too small. */
long file_read(const char *path, char *buf, size_t size);
/* Writes @text to a file in one call. Returns 0 or -errno. */
int file_write(const char *path, const char *text);

#endif
