/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_URING_H
#define LIB_URING_H

#include <stddef.h>

/* An io_uring for one request at a time, through its system calls, without a library. */
struct uring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	void *sqes, *cqes;
};

/* Opens a ring, which stays open until the process ends. Returns 0 or -errno. */
int uring_open(struct uring *u);

/*
 * Writes to the start of the file @fd in a worker thread of io_uring, and waits for the result.
 * Returns the result of the write, or the -errno of the system call.
 */
long uring_write_in_worker(struct uring *u, int fd, const char *data, size_t size);

#endif
