// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "file.h"
#include "swap.h"

#define ZRAM		"/dev/zram0"
#define PAGE		4096
#define PAGES		(64 * 512)

/* Writes the parts of the header of mkswap that mm/swapfile.c reads. */
static int write_header(void)
{
	union {
		char page[PAGE];
		struct {
			char boot[1024];
			__u32 version;
			__u32 last_page;
		} info;
	} header = { .info = { .version = 1, .last_page = PAGES - 1 } };
	int fd = open(ZRAM, O_WRONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	memcpy(header.page + PAGE - 10, "SWAPSPACE2", 10);
	err = pwrite(fd, &header, PAGE, 0) == PAGE ? 0 : -EIO;
	close(fd);
	return err;
}

int swap_begin(void)
{
	char size[32];
	int err;

	snprintf(size, sizeof(size), "%d", PAGES * PAGE);
	err = file_write("/sys/block/zram0/disksize", size);
	if (!err)
		err = write_header();
	if (!err && swapon(ZRAM, 0))
		err = -errno;
	return err;
}

void swap_end(void)
{
	swapoff(ZRAM);
	file_write("/sys/block/zram0/reset", "1");
}

#define CGROUP		"/tmp/cgroup"
#define CHILD		CGROUP "/errpath"

int memcg_begin(void)
{
	if (mkdir(CGROUP, 0700) && errno != EEXIST)
		return -errno;
	if (mount("cgroup2", CGROUP, "cgroup2", 0, NULL))
		return -errno;
	file_write(CGROUP "/cgroup.subtree_control", "+memory");
	if (mkdir(CHILD, 0700) && errno != EEXIST)
		return -errno;
	return file_write(CHILD "/cgroup.procs", "0");
}

int memcg_reclaim(long bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", bytes);
	return file_write(CHILD "/memory.reclaim", text);
}

void memcg_end(void)
{
	file_write(CGROUP "/cgroup.procs", "0");
	rmdir(CHILD);
	umount(CGROUP);
	rmdir(CGROUP);
}
