// SPDX-License-Identifier: GPL-2.0
/*
 * The percpu allocator (mm/percpu.c) has chunks, each in one of several lists. It has no counter
 * of what is allocated, so this adds up what is not free in each chunk.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest.h"
#include "btf.h"
#include "kcore.h"
#include "percpu_use.h"
#include "variables.h"

#define LISTS 128	/* the kernel has less than 30 */
#define CHUNKS 1024	/* a list that changes while it is read can lead anywhere */
#define TRIES 10
/* Bytes of a chunk that are read: more than the offset of any member that counts. */
#define CHUNK_SIZE 256

enum { LIST, FREE_BYTES, NR_PAGES, MEMBERS };

static const char * const members[MEMBERS] = {
	[LIST] = "list",
	[FREE_BYTES] = "free_bytes",
	[NR_PAGES] = "nr_pages",
};

struct list {
	unsigned long next, prev;
};

/* Reading the kernel's types takes long, so the processes of a program share the offsets. */
static struct {
	bool looked_up;
	int err;
	size_t offsets[MEMBERS];
} *layout;

static void __attribute__((constructor)) layout_share(void)
{
	void *mem = mmap(NULL, sizeof(*layout), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	layout = mem == MAP_FAILED ? NULL : mem;
}

static int layout_find(void)
{
	if (!layout)
		return -ENOMEM;
	if (!layout->looked_up)
		layout->err = btf_find_members("pcpu_chunk", members, layout->offsets, MEMBERS);
	for (int i = 0; i < MEMBERS && !layout->err; i++) {
		if (layout->offsets[i] > CHUNK_SIZE - sizeof(struct list))
			layout->err = -EPROTO;
	}
	layout->looked_up = true;
	return layout->err;
}

/* Adds what is allocated of the chunk whose member "list" is at @entry, and returns the next. */
static int chunk_read(unsigned long entry, long *bytes, unsigned long *next)
{
	const size_t *offsets = layout->offsets;
	int err, free_bytes, nr_pages;
	char chunk[CHUNK_SIZE];
	struct list list;

	err = kcore_read(entry - offsets[LIST], chunk, sizeof(chunk));
	if (err)
		return err;
	memcpy(&list, chunk + offsets[LIST], sizeof(list));
	memcpy(&free_bytes, chunk + offsets[FREE_BYTES], sizeof(free_bytes));
	memcpy(&nr_pages, chunk + offsets[NR_PAGES], sizeof(nr_pages));
	*bytes += (long)nr_pages * getpagesize() - free_bytes;
	*next = list.next;
	return 0;
}

/* Returns -EAGAIN if a list has no end: it changed meanwhile. */
static int chunks_read(unsigned long heads, const struct list *lists, int nr, long *bytes)
{
	int err = 0;

	*bytes = 0;
	for (int i = 0; i < nr && !err; i++) {
		unsigned long head = heads + i * sizeof(*lists), entry = lists[i].next;

		for (int n = 0; entry != head && !err; n++)
			err = n == CHUNKS ? -EAGAIN : chunk_read(entry, bytes, &entry);
	}
	return err;
}

static int lists_read(long *bytes)
{
	struct list lists[LISTS];
	unsigned long heads;
	int err, nr;

	err = variable_read(VARIABLE_PCPU_NR_SLOTS, &nr, sizeof(nr)) ?:
	      variable_read(VARIABLE_PCPU_CHUNK_LISTS, &heads, sizeof(heads));
	if (err)
		return err;
	if (nr < 1 || nr > LISTS)
		return -EPROTO;
	err = kcore_read(heads, lists, nr * sizeof(*lists));
	return err ?: chunks_read(heads, lists, nr, bytes);
}

int percpu_use(long *bytes)
{
	int err = layout_find();

	if (err)
		return -ENOENT;
	for (int i = 0; i < TRIES; i++) {
		err = lists_read(bytes);
		/* EFAULT: a chunk that was freed meanwhile. */
		if (err != -EAGAIN && err != -EFAULT)
			break;
	}
	return err;
}
