// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "splits.h"
#include "swap.h"
#include "thp.h"
#include "uapi.h"

#define PART(s)		((s)->mem + SPLIT_FIRST * SPLIT_PAGE)
#define LEN		((SPLIT_END - SPLIT_FIRST) * SPLIT_PAGE)
#define SIZE		(SPLIT_PAGES * SPLIT_PAGE)

/* The mark is at a different place in each page. */
static char *mark_place(const char *mem, int page)
{
	return (char *)mem + page * SPLIT_PAGE + page * 7 % SPLIT_PAGE;
}

static char mark_of(int page)
{
	return page % 251 + 1;
}

void split_mark(struct split *s)
{
	for (int i = 0; i < SPLIT_PAGES; i++)
		*mark_place(s->mem, i) = mark_of(i);
}

int split_wrong(const char *mem, int first, int end)
{
	int wrong = 0;

	for (int i = first; i < end; i++)
		wrong += __atomic_load_n(mark_place(mem, i), __ATOMIC_RELAXED) != mark_of(i);
	return wrong;
}

bool split_zero(const char *mem, int first, int end)
{
	for (int i = first; i < end; i++)
		if (*mark_place(mem, i))
			return false;
	return true;
}

bool split_faults(const char *page)
{
	int pipe_fd[2];
	bool faults;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return false;
	faults = write(pipe_fd[1], page, 1) < 0 && errno == EFAULT;
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return faults;
}

int split_prepare_thp(struct split *s)
{
	split_mark(s);
	return 0;
}

int split_prepare_zero(struct split *s)
{
	return madvise(s->mem, SIZE, MADV_POPULATE_READ) ? -errno : 0;
}

int split_prepare_shared(struct split *s)
{
	split_mark(s);
	s->holder = fork();
	if (!s->holder) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return s->holder < 0 ? -errno : 0;
}

/* Registering a buffer with io_uring pins it. */
int split_prepare_pinned(struct split *s)
{
	struct io_uring_params params = {};
	struct iovec buffer = { PART(s), SPLIT_PAGE };

	split_mark(s);
	if (s->ring < 0)
		s->ring = syscall(SYS_io_uring_setup, 1, &params);
	if (s->ring < 0)
		return -errno;
	return syscall(SYS_io_uring_register, s->ring, IORING_REGISTER_BUFFERS,
		       &buffer, 1) ? -errno : 0;
}

static int split_register_uffd(struct split *s, char *mem, int mode, int features)
{
	struct uffdio_register range = {
		.range = { (uintptr_t)mem, SIZE },
		.mode = mode,
	};
	struct uffdio_api api = { .api = UFFD_API, .features = features };

	if (s->uffd < 0) {
		s->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
		if (s->uffd < 0 || ioctl(s->uffd, UFFDIO_API, &api))
			return -errno;
	}
	return ioctl(s->uffd, UFFDIO_REGISTER, &range) ? -errno : 0;
}

int split_prepare_wp(struct split *s)
{
	split_mark(s);
	return split_register_uffd(s, s->mem, UFFDIO_REGISTER_MODE_WP, 0);
}

int split_prepare_wp_async(struct split *s)
{
	split_mark(s);
	return split_register_uffd(s, s->mem, UFFDIO_REGISTER_MODE_WP, UFFD_FEATURE_WP_ASYNC);
}

int split_prepare_move(struct split *s)
{
	split_mark(s);
	return split_register_uffd(s, s->spare, UFFDIO_REGISTER_MODE_MISSING, UFFD_FEATURE_MOVE);
}

int split_discard(struct split *s)
{
	int err;

	if (s->holder > 0) {
		kill(s->holder, SIGKILL);
		waitpid(s->holder, NULL, 0);
	}
	if (s->ring >= 0)
		syscall(SYS_io_uring_register, s->ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
	if (s->uffd >= 0)
		close(s->uffd);
	s->holder = 0;
	s->uffd = -1;
	err = thp_renew(s->mem, 1);
	return err ?: thp_renew(s->spare, 1);
}

int split_mprotect(struct split *s)
{
	return mprotect(PART(s), LEN, PROT_READ) ? -errno : 0;
}

int split_munmap(struct split *s)
{
	return munmap(PART(s), LEN) ? -errno : 0;
}

int split_mmap_over(struct split *s)
{
	void *mem = mmap(PART(s), LEN, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return mem == MAP_FAILED ? -errno : 0;
}

int split_mlock(struct split *s)
{
	return mlock(PART(s), LEN) ? -errno : 0;
}

#define BIND_TO_NODES	2	/* MPOL_BIND, of numaif.h */

int split_mbind(struct split *s)
{
	unsigned long node_0 = 1;

	return syscall(SYS_mbind, PART(s), LEN, BIND_TO_NODES, &node_0, 64, 0) ? -errno : 0;
}

int split_mremap(struct split *s)
{
	void *mem = mremap(PART(s), LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED,
			   s->spare + SPLIT_FIRST * SPLIT_PAGE);

	return mem == MAP_FAILED ? -errno : 0;
}

static int split_advise(struct split *s, int advice)
{
	return madvise(PART(s), LEN, advice) ? -errno : 0;
}

int split_dontneed(struct split *s)
{
	return split_advise(s, MADV_DONTNEED);
}

int split_free(struct split *s)
{
	return split_advise(s, MADV_FREE);
}

int split_cold(struct split *s)
{
	return split_advise(s, MADV_COLD);
}

int split_pageout(struct split *s)
{
	return split_advise(s, MADV_PAGEOUT);
}

int split_dontfork(struct split *s)
{
	return split_advise(s, MADV_DONTFORK);
}

int split_guard(struct split *s)
{
	return split_advise(s, MADV_GUARD_INSTALL);
}

int split_populate(struct split *s)
{
	return split_advise(s, MADV_POPULATE_WRITE);
}

/* The child checks its copy. */
int split_fork(struct split *s)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child)
		_exit(split_wrong(s->mem, 0, SPLIT_PAGES) != 0);
	waitpid(child, &status, 0);
	return status ? -EPROTO : 0;
}

int split_wp(struct split *s)
{
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)PART(s), LEN },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	return ioctl(s->uffd, UFFDIO_WRITEPROTECT, &wp) ? -errno : 0;
}

int split_move(struct split *s)
{
	struct uffdio_move move = {
		.dst = (uintptr_t)s->spare + SPLIT_FIRST * SPLIT_PAGE,
		.src = (uintptr_t)PART(s),
		.len = LEN,
	};

	return ioctl(s->uffd, UFFDIO_MOVE, &move) ? -errno : 0;
}

int split_scan(struct split *s)
{
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.flags = PM_SCAN_WP_MATCHING,
		.start = (uintptr_t)PART(s),
		.end = (uintptr_t)PART(s) + LEN,
		.category_mask = PAGE_IS_WRITTEN,
		.return_mask = PAGE_IS_WRITTEN,
	};
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int err = ioctl(fd, PAGEMAP_SCAN, &scan) < 0 ? -errno : 0;

	close(fd);
	return err;
}

/* Huge pages are swapped out whole, but the entries for them are of small pages. */
int split_swap(struct split *s)
{
	return madvise(s->mem, SIZE, MADV_PAGEOUT) ? -errno : 0;
}

int split_reclaim(struct split *s)
{
	(void)s;
	return memcg_reclaim(SIZE);
}
