// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "file.h"
#include "hugetlb.h"

#define OPTIMIZE "/proc/sys/vm/hugetlb_optimize_vmemmap"
#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"

const char *hugetlb_unavailable(void)
{
	return access(OPTIMIZE, F_OK) ? "no vm.hugetlb_optimize_vmemmap" : NULL;
}

int hugetlb_optimize(bool on)
{
	return file_write(OPTIMIZE, on ? "1" : "0");
}

int hugetlb_resize(long pages)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", pages);
	return file_write(POOL "nr_hugepages", text);
}

int hugetlb_pool(struct hugetlb_pool *pool)
{
	const struct {
		const char *path;
		long *value;
	} files[] = {
		{ .path = POOL "nr_hugepages", .value = &pool->total },
		{ .path = POOL "free_hugepages", .value = &pool->unused },
		{ .path = POOL "surplus_hugepages", .value = &pool->surplus },
	};
	char text[32];
	long err;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		err = file_read(files[i].path, text, sizeof(text));
		if (err < 0)
			return err;
		*files[i].value = atol(text);
	}
	return 0;
}
