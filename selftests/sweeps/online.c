// SPDX-License-Identifier: GPL-2.0
/* Sets a block of hot-added memory online, and offline again, empty or in use. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/hotadd.h"
#include "lib/iomem.h"
#include "lib/sweep.h"
#include "lib/thp.h"

#define SIZE (4 * MiB)
#define SEED 1

static char state[300];
static char *mem;

static const char *unavailable(void)
{
	return hotadd_unavailable(&hotadd_by_dimm);
}

static int prepare(void)
{
	static struct hotadd_before before;
	int err = hotadd_prepare(&before, "offline");

	if (!err && !hotadd_offline_block())	/* an earlier process may have added it */
		err = hotadd_dimm(SECTION_SIZE);
	if (err || !hotadd_offline_block())
		return err ?: -ENOENT;
	snprintf(state, sizeof(state), "%s", hotadd_offline_block());
	return 0;
}

static int run(struct sweep_run *r)
{
	int err = sweep_step(r, "online", file_write(state, "online_movable"));

	err = err ?: sweep_expect(r, !hotadd_offline_block(), "the block is online");
	return err ?: sweep_step(r, "offline", file_write(state, "offline"));
}

static int recover(void)
{
	return hotadd_offline_block() ? 0 : file_write(state, "offline");
}

SWEEP_OPERATION(online) = {
	.name = "online",
	.what = "a memory block of a DIMM comes online, movable, and goes offline",
	.unavailable = unavailable,
	.prepare = prepare,
	.run = run,
	.recover = recover,
	.scope = "stack:device_online stack:device_offline",
	.asks_host = true,
};

/* Offline while a process uses its pages. */

/* Returns the number of the block, which is the address of its memory in blocks; or -errno. */
static long block_of(const char *p)
{
	const unsigned long pfn_mask = (1UL << 55) - 1;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned long entry;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = pread(fd, &entry, sizeof(entry), (uintptr_t)p / getpagesize() * sizeof(entry));
	close(fd);
	if (n != sizeof(entry))
		return -EIO;
	return (entry & pfn_mask) * getpagesize() / SECTION_SIZE;
}

static bool is_in_block(const char *p)
{
	char name[64];

	snprintf(name, sizeof(name), "/memory%ld/", block_of(p));
	return strstr(state, name);
}

/*
 * A movable zone is the first that user memory is taken from. Small pages, so that the failure of
 * one has no other way out.
 */
static int setup(void)
{
	int err = hotadd_offline_block() ? file_write(state, "online_movable") : 0;

	if (err)
		return err;
	if (mem)
		munmap(mem, SIZE);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED || madvise(mem, SIZE, MADV_NOHUGEPAGE))
		return -ENOMEM;
	pattern_fill(mem, SIZE, SEED);
	return is_in_block(mem) ? 0 : -ENXIO;
}

static int run_in_use(struct sweep_run *r)
{
	int err = sweep_step(r, "offline", file_write(state, "offline"));

	sweep_expect(r, !pattern_wrong(mem, SIZE, SEED), "data intact");
	return err ?: sweep_expect(r, !is_in_block(mem), "the pages are elsewhere");
}

SWEEP_OPERATION(offline) = {
	.name = "offline",
	.what = "a memory block of a DIMM, whose pages a process uses, goes offline",
	.unavailable = unavailable,
	.prepare = prepare,
	.setup = setup,
	.run = run_in_use,
	.recover = recover,
	.scope = "stack:device_offline",
	.asks_host = true,
	.seconds = 30,
};
