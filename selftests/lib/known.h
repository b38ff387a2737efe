/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_KNOWN_H
#define LIB_KNOWN_H

#include <stdbool.h>

enum known_kind {
	KNOWN_COUNTER,		/* FILE.ENTRY DIFFERENCE once|per failure */
	KNOWN_KMSG,		/* kmsg REGEXP */
	KNOWN_ERRNO,		/* errno STEP NAME */
	KNOWN_OOPS,		/* oops FUNCTION REGEXP */
};

struct known {
	enum known_kind kind;
	char observation[256];
	char reason[512];
	char name[192];		/* of the counter, the regexp, the step */
	long difference;
	bool per_failure;	/* and for good; else gone after a success */
	int err;
	bool must_show;		/* this kernel is one in which it was seen */
	bool shown;
	bool refuted;		/* a step was not as the row says */
};

struct known_list {
	int nr;
	struct known row[16];
};

/*
 * The rows of known-issues, beside the program, for @test on this kernel.
 * A file that cannot be read or a row that cannot be understood is an error,
 * told on stderr.
 */
int known_load(struct known_list *l, const char *test);

/*
 * The difference that all rows about the counter @name explain after @failures
 * failures; @lasting: after a success, too.
 */
long known_difference(const struct known_list *l, const char *name,
		      long failures, bool lasting);
/* Tells these rows whether they were right; one that was wrong once stays so. */
void known_showed(struct known_list *l, const char *name, bool lasting,
		  bool right);

/*
 * Prints what showed and what did not; returns how many of the rows that
 * must show did not.
 */
int known_report(const struct known_list *l);

/* Version of the sources that the running kernel was built from. */
void known_kernel(char *version, int size, bool *stock);
/*
 * Do the tokens of @kernels ("6.1.192 6.1.* 6.12+") name @version? @must: it is one
 * in which the issue was seen.
 */
bool known_applies(const char *kernels, const char *version, bool stock,
		   bool *must);

#endif
