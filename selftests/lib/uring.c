// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uring.h"

static void *uring_map(int fd, size_t size, off_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);

	return p == MAP_FAILED ? NULL : p;
}

int uring_open(struct uring *u)
{
	struct io_uring_params params = {};
	char *sq, *cq;

	u->fd = syscall(SYS_io_uring_setup, 1, &params);
	if (u->fd < 0)
		return -errno;
	sq = uring_map(u->fd, params.sq_off.array + params.sq_entries * sizeof(unsigned int),
		       IORING_OFF_SQ_RING);
	cq = uring_map(u->fd, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
		       IORING_OFF_CQ_RING);
	u->sqes = uring_map(u->fd, params.sq_entries * sizeof(struct io_uring_sqe),
			    IORING_OFF_SQES);
	if (!sq || !cq || !u->sqes)
		return -ENOMEM;
	u->sq_tail = (void *)(sq + params.sq_off.tail);
	u->sq_mask = (void *)(sq + params.sq_off.ring_mask);
	u->sq_array = (void *)(sq + params.sq_off.array);
	u->cq_head = (void *)(cq + params.cq_off.head);
	u->cq_tail = (void *)(cq + params.cq_off.tail);
	u->cq_mask = (void *)(cq + params.cq_off.ring_mask);
	u->cqes = cq + params.cq_off.cqes;
	return 0;
}

static void uring_submit(struct uring *u, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *u->sq_tail, at = tail & *u->sq_mask;

	memcpy((struct io_uring_sqe *)u->sqes + at, sqe, sizeof(*sqe));
	u->sq_array[at] = at;
	__atomic_store_n(u->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

long uring_write_in_worker(struct uring *u, int fd, const char *data, size_t size)
{
	const struct io_uring_sqe sqe = {
		.opcode = IORING_OP_WRITE,
		.flags = IOSQE_ASYNC,
		.fd = fd,
		.addr = (unsigned long)data,
		.len = size,
	};
	const struct io_uring_cqe *cqes = u->cqes;
	unsigned int head = *u->cq_head;

	uring_submit(u, &sqe);
	if (syscall(SYS_io_uring_enter, u->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	if (__atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE) == head)
		return -EAGAIN;
	__atomic_store_n(u->cq_head, head + 1, __ATOMIC_RELEASE);
	return cqes[head & *u->cq_mask].res;
}
