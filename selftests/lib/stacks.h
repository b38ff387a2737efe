/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_STACKS_H
#define LIB_STACKS_H

/* A line of the knob stacks. */
struct stack {
	char id[16];		/* for the knob targets */
	char request[192];	/* of the first call: "FLAGS,BYTES", see module/README.md; or "-" */
	char function[64];	/* the intercepted one */
	long seen;
	long injected;
	char frames[3072];	/* "FUNCTION+OFFSET/SIZE [MODULE]", tabs between, caller first */
};

struct stacks {
	int nr;
	struct stack at[512];	/* in the order of their first call */
};

/* Returns 0 or -errno; -EOVERFLOW: there were more stacks than the kernel remembers. */
int stacks_read(const char *point, struct stacks *s);

#endif
