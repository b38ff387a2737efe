// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "kcore.h"
#include "symbols.h"
#include "variables.h"

static const char * const names[NR_VARIABLES] = {
	[VARIABLE_HUGE_ZERO_REFCOUNT] = "huge_zero_refcount",
	[VARIABLE_PCPU_CHUNK_LISTS] = "pcpu_chunk_lists",
	[VARIABLE_PCPU_NR_SLOTS] = "pcpu_nr_slots",
};

/* The lookup reads all symbols of the kernel, so the processes of a program share its result. */
static struct {
	bool found;
	unsigned long addresses[NR_VARIABLES];
} *shared;

static void __attribute__((constructor)) variables_share(void)
{
	void *mem = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	shared = mem == MAP_FAILED ? NULL : mem;
}

static int variables_find(void)
{
	int err;

	if (!shared)
		return -ENOMEM;
	if (shared->found)
		return 0;
	err = symbols_find_variables(names, shared->addresses, NR_VARIABLES);
	shared->found = !err;
	return err;
}

int variable_read(enum variable variable, void *buf, size_t size)
{
	int err = variables_find();

	if (!err && !shared->addresses[variable])
		err = -ENOENT;
	if (!err)
		err = kcore_read(shared->addresses[variable], buf, size);
	/* EPERM: the kernel is locked down. */
	return err == -EPERM ? -ENOENT : err;
}
