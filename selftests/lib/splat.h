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
	char unannounced[8][160];	/* the first ones */
};

/*
 * Begins to watch the kernel log for splats. A WARN_ON_ONCE that has fired before can fire
 * again. Returns 0 or -errno.
 */
int splat_open(struct splat *s);

/*
 * Announces a message, also in the log itself: the host scans the log later, and fails for a
 * message that is announced but absent. If the message may be absent (not @must), the line that
 * splat_close() writes in that case is announced with it. Returns 0 or -errno.
 */
int splat_expect(struct splat *s, const char *id, const char *regexp,
		 bool must);

/*
 * Announces the oops that will end the guest, as "FUNCTION REGEXP"; NULL takes the announcement
 * back. Returns 0 or -errno.
 */
int splat_expect_oops(const char *test, const char *oops);

/*
 * Ends all announcements, and prints each unannounced splat. Returns how many there were.
 * expected[].seen counts the announced messages.
 */
int splat_close(struct splat *s);

#endif
