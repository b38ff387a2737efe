// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "thp.h"

#define THP "/sys/kernel/mm/transparent_hugepage"
#define KHUGEPAGED_SLEEP THP "/khugepaged/scan_sleep_millisecs"

const char *thp_unavailable(void)
{
	char text[64];

	if (file_read(THP "/enabled", text, sizeof(text)) < 0)
		return "this kernel has no transparent huge pages";
	if (strstr(text, "[never]"))
		return "transparent huge pages are off (" THP "/enabled)";
	return NULL;
}

size_t thp_size(void)
{
	static size_t size;
	char text[32];

	if (!size && file_read(THP "/hpage_pmd_size", text, sizeof(text)) > 0)
		size = strtoul(text, NULL, 10);
	return size;
}

/* Reads the stat of khugepaged, "PID (NAME) STATE ...". Returns its length or -errno. */
static long khugepaged_stat(char *stat, size_t size)
{
	static char path[64];
	glob_t all = { 0 };
	long n = -ESRCH;

	if (path[0])
		return file_read(path, stat, size);
	glob("/proc/[1-9]*/stat", 0, NULL, &all);
	for (size_t i = 0; i < all.gl_pathc && n < 0; i++) {
		n = file_read(all.gl_pathv[i], stat, size);
		if (n < 0 || !strstr(stat, " (khugepaged) "))
			n = -ESRCH;
		else
			snprintf(path, sizeof(path), "%s", all.gl_pathv[i]);
	}
	globfree(&all);
	return n;
}

/*
 * Registers this process with khugepaged. If no other process is registered, that wakes
 * khugepaged, however long its pause is (__khugepaged_enter()): do it before the test.
 */
static void register_with_khugepaged(void)
{
	char *mem = thp_map(1);

	if (mem)
		thp_unmap(mem, 1);
}

/* A new pause wakes khugepaged, and it scans memory once. */
static int wait_for_khugepaged(void)
{
	char stat[512];
	long n;

	for (int i = 0; i < 1000; i++) {
		n = khugepaged_stat(stat, sizeof(stat));
		if (n < 0)
			return n;
		if (strstr(stat, ") S "))
			return 0;
		usleep(10000);
	}
	return -ETIMEDOUT;
}

int thp_hold_khugepaged(bool hold)
{
	static char before[32];

	if (!hold)
		return file_write(KHUGEPAGED_SLEEP, before);
	if (!before[0] && file_read(KHUGEPAGED_SLEEP, before, sizeof(before)) < 0)
		return -ENOENT;
	register_with_khugepaged();
	return file_write(KHUGEPAGED_SLEEP, "100000000") ?: wait_for_khugepaged();
}

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

int thp_renew(char *mem, int n)
{
	size_t size = n * thp_size();
	void *p = mmap(mem, size, PROT_READ | PROT_WRITE,
		       ANONYMOUS | MAP_FIXED, -1, 0);

	return p == MAP_FAILED || madvise(mem, size, MADV_HUGEPAGE) ? -errno : 0;
}

/*
 * Touches stack and heap of the program. Otherwise they may by chance be the first to need a
 * page table later, and tests compare VmPTE.
 */
static void make_own_page_tables(void)
{
	char stack[256 * 1024], *heap = malloc(64 * 1024);

	memset(stack, 0, sizeof(stack));
	if (heap)
		memset(heap, 0, 64 * 1024);
	asm volatile("" : : "r"(stack), "r"(heap) : "memory");
	free(heap);
}

char *thp_map(int n)
{
	size_t size = n * thp_size(), align = thp_size();
	char *mem, *aligned;

	make_own_page_tables();
	while (align < size)
		align *= 2;
	mem = mmap(NULL, size + align, PROT_NONE, ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return NULL;
	aligned = (char *)(((uintptr_t)mem + align - 1) & ~(align - 1));
	munmap(aligned + size, mem + align - aligned);
	munmap(mem, aligned - mem);
	return thp_renew(aligned, n) ? NULL : aligned;
}

void thp_unmap(char *mem, int n)
{
	munmap(mem, n * thp_size());
}

static char pattern_at(size_t i, unsigned int seed)
{
	return (i * 31 + (i >> 12) * 7 + seed) % 251 + 1;
}

void pattern_fill(char *mem, size_t size, unsigned int seed)
{
	for (size_t i = 0; i < size; i++)
		mem[i] = pattern_at(i, seed);
}

size_t pattern_wrong(const char *mem, size_t size, unsigned int seed)
{
	size_t wrong = 0;

	for (size_t i = 0; i < size; i++)
		wrong += mem[i] != pattern_at(i, seed);
	return wrong;
}

bool is_zero(const char *mem, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (mem[i])
			return false;
	return true;
}

/* Adds up the numbers of the lines "FIELD: NUMBER kB", if @mem is set of its mappings only. */
static long sum_kb(const char *path, const char *field, const char *mem,
		   size_t size)
{
	bool wanted = !mem;
	char line[256];
	long sum = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		size_t len = strlen(field);
		unsigned long start, end;

		if (mem && sscanf(line, "%lx-%lx ", &start, &end) == 2)
			wanted = start - (uintptr_t)mem < size;
		if (wanted && !strncmp(line, field, len) && line[len] == ':')
			sum += strtol(line + len + 1, NULL, 10);
	}
	fclose(f);
	return sum;
}

long smaps_kb(const char *mem, size_t size, const char *field)
{
	return sum_kb("/proc/self/smaps", field, mem, size);
}

long status_kb(const char *field)
{
	return sum_kb("/proc/self/status", field, NULL, 0);
}

long rollup_kb(const char *field)
{
	return sum_kb("/proc/self/smaps_rollup", field, NULL, 0);
}

static long read_value(const char *path, const char *name)
{
	char line[128], found[64];
	long value, result = -1;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[^: ]%*[: ]%ld", found, &value) == 2 &&
		    !strcmp(found, name))
			result = value;
	}
	if (f)
		fclose(f);
	return result;
}

long vmstat_value(const char *name)
{
	return read_value("/proc/vmstat", name);
}

long meminfo_kb(const char *name)
{
	return read_value("/proc/meminfo", name);
}

bool thp_is_lazy(void)
{
	char *mem = thp_map(2);
	long before;
	bool lazy;

	if (!mem)
		return false;
	mem[0] = 1;
	before = status_kb("VmPTE");
	mem[thp_size()] = 1;
	lazy = status_kb("VmPTE") == before;
	thp_unmap(mem, 2);
	return lazy;
}
