/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_SPLAT_H
#define LIB_SPLAT_H

#include <regex.h>
#include <stdbool.h>

struct splat_expected {
	char id[128];
	regex_t regexp;
	bool must;
	int seen;
};

struct splat {
	int fd;
	int nr;
	struct splat_expected expected[8];
};

/*
 * From here on every splat in the kernel log counts; a WARN_ON_ONCE that has
 * fired before can fire again. 0 or -errno.
 */
int splat_open(struct splat *s);

/*
 * Announces a message, in the log itself too, for who reads it afterwards: that
 * it is absent is a failure if @must, else the reader is told that it may be.
 */
int splat_expect(struct splat *s, const char *id, const char *regexp,
		 bool must);

/*
 * Ends all announcements and prints each unannounced splat; returns how many
 * there were, or -errno. What was announced is counted in expected[].seen.
 */
int splat_close(struct splat *s);

#endif
