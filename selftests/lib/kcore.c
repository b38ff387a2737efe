// SPDX-License-Identifier: GPL-2.0
/* /proc/kcore is an ELF file, whose segments are the kernel's memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <unistd.h>

#include "kcore.h"

static int kcore_pread(int fd, void *buf, size_t size, off_t offset)
{
	ssize_t n = pread(fd, buf, size, offset);

	if (n < 0)
		return -errno;
	return n == (ssize_t)size ? 0 : -EFAULT;
}

/* Returns the offset of @address in the file, or -errno. */
static off_t kcore_offset(int fd, unsigned long address, size_t size)
{
	struct elf64_phdr segment;
	struct elf64_hdr header;
	int err = kcore_pread(fd, &header, sizeof(header), 0);

	for (int i = 0; !err && i < header.e_phnum; i++) {
		err = kcore_pread(fd, &segment, sizeof(segment),
				  header.e_phoff + i * sizeof(segment));
		if (!err && segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
		    address - segment.p_vaddr + size <= segment.p_memsz)
			return segment.p_offset + (address - segment.p_vaddr);
	}
	return err ?: -EFAULT;
}

int kcore_read(unsigned long address, void *buf, size_t size)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	off_t offset;
	int err;

	if (fd < 0)
		return -errno;
	offset = kcore_offset(fd, address, size);
	err = offset < 0 ? (int)offset : kcore_pread(fd, buf, size, offset);
	close(fd);
	return err;
}
