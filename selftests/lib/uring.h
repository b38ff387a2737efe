/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_URING_H
#define LIB_URING_H

#include <stddef.h>

/* An io_uring for one request at a time, by its system calls alone. */
struct uring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	void *sqes, *cqes;
};

/* 0 or -errno. The ring goes with the process. */
int uring_open(struct uring *u);

/*
 * Writes from the start of the file @fd, in a worker of io_uring, and waits for the end.
 * Returns what the write returned, or the -errno of the system call.
 */
long uring_write_in_worker(struct uring *u, int fd, const char *data, size_t size);

#endif
