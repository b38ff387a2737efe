/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_KNOWN_H
#define LIB_KNOWN_H

#include <stdbool.h>

#define KNOWN_SIZE 256		/* of the value of a key in known-issues */

enum known_kind {
	KNOWN_COUNTER,		/* FILE.ENTRY DIFFERENCE once|per failure|afterwards */
	KNOWN_KMSG,		/* kmsg REGEXP */
	KNOWN_ERRNO,		/* errno STEP NAME */
	KNOWN_OOPS,		/* oops FUNCTION REGEXP */
};

/* A row of known-issues, and the reason of its bug. */
struct known {
	enum known_kind kind;
	char bug[KNOWN_SIZE];	/* id */
	char observation[256];
	char reason[KNOWN_SIZE];
	char name[192];		/* counter, regexp, or step */
	long difference;
	bool per_failure;	/* it stays; false: it is gone after a success */
	bool afterwards;	/* only the success has it */
	int err;
	bool must_show;		/* the bug was seen on this kernel */
	bool shown;
	bool refuted;		/* an observation differed from the row */
};

struct known_list {
	int nr;
	struct known row[32];
};

/* From now on there are no known issues, and no file of them is read. */
void known_use_none(void);
/*
 * Reads the rows of known-issues, beside the program, that apply to @test on this kernel.
 * Returns 0, or -errno if the file cannot be read or has a wrong line, which is reported on
 * stderr.
 */
int known_load(struct known_list *l, const char *test);

/*
 * Returns the difference that all rows about the counter @name explain after @failures
 * failures; @lasting: after a success, too.
 */
long known_difference(const struct known_list *l, const char *name,
		      long failures, bool lasting);
/*
 * Notes for the rows about the counter @name whether the kernel did what they say; a row that
 * was wrong once stays wrong.
 */
void known_showed(struct known_list *l, const char *name, bool lasting,
		  bool right);

/*
 * Prints which rows showed and which did not. Returns how many rows that must show did not.
 */
int known_report(const struct known_list *l);

/*
 * Writes the version of the sources that the running kernel was built from. @stock is set to
 * whether Debian built it.
 */
void known_kernel(char *version, int size, bool *stock);

/* What known-issues says about the kernels of a row. */
struct known_scope {
	const char *stock;	/* versions on which all bugs were seen, unless mended */
	const char *swept;	/* of these, where sweeps run; NULL: no row of a sweep */
	const char *versions;	/* of the bug: "6.12+", "6.12.*", "x86_64" */
	const char *only;	/* of the row: the same, "may", "must", or "" */
	const char *machine;	/* that executes the kernel, as uname -m names it */
};

/*
 * Returns whether the row applies to @version. @must is set to whether it must show there,
 * which only a kernel of Debian (@stock) must.
 */
bool known_applies(const struct known_scope *scope, const char *version, bool stock,
		   bool *must);

#endif
