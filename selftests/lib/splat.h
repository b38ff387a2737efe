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
	int nr_unannounced;
	char unannounced[8][160];	/* the first of them */
};

/*
 * From here on every splat in the kernel log counts; a WARN_ON_ONCE that has
 * fired before can fire again. 0 or -errno.
 */
int splat_open(struct splat *s);

/*
 * Announces a message, in the log itself too, for who reads it afterwards and
 * takes it for a failure if none comes. One that may be absent (not @must) is
 * announced together with the line that splat_close() writes if it is.
 */
int splat_expect(struct splat *s, const char *id, const char *regexp,
		 bool must);

/*
 * Announces the oops in which the guest will end: "FUNCTION REGEXP", NULL takes
 * it back. 0 or -errno.
 */
int splat_expect_oops(const char *test, const char *oops);

/*
 * Ends all announcements and prints each unannounced splat; returns how many
 * there were. What was announced is counted in expected[].seen.
 */
int splat_close(struct splat *s);

#endif
