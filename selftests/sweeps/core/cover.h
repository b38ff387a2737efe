/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_COVER_H
#define SWEEPS_COVER_H

/* Which code the operation's process runs, by KCOV: addresses in files built for it. */
#define COVER_MAX 4096

struct cover {
	int nr;
	unsigned long at[COVER_MAX];	/* each once, in their order */
};

/* Takes the memory for it. Returns 0 or -errno; -ENOENT: the kernel has no KCOV. */
int cover_open(void);
/* Records what the calling process runs from here on. Does nothing before cover_open(). */
void cover_begin(void);
void cover_end(void);
/* Adds what was recorded last to @c. Returns 0, or -ENOSPC if that was too much. */
int cover_add(struct cover *c);

#endif
