/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_RECORD_H
#define LIB_RECORD_H

/*
 * A line of JSON for the host, over the virtio port errpath.sweep, or as a comment on stdout
 * where there is none. It is with the host when record_end() returns. Keys and values of an
 * object by turns; values of an array.
 */
void record_begin(const char *event);
void record_text(const char *key, const char *value);
void record_number(const char *key, long value);
void record_array(const char *key);	/* and record_close() */
void record_object(const char *key);	/* the same; key NULL: in an array */
void record_close(void);
void record_end(void);

#endif
