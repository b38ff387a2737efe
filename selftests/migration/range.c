// SPDX-License-Identifier: GPL-2.0
/* The range of memory that the tests of device_migration migrate. */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>

#include "lib/module.h"
#include "lib/thp.h"

#include "migration/range.h"

#define MODULE "errpath_migrate"
#define SEED 1
#define PM_PLACE (PM_PRESENT | PM_SWAP | PM_PFN)

const char *migration_load(void)
{
	int err = module_load(MODULE, "");

	if (err == -ENOENT)
		return "no " MODULE ".ko: this kernel lacks CONFIG_DEVICE_MIGRATION";
	return err && err != -EEXIST ? strerror(-err) : NULL;
}

int migration_unload(void)
{
	return module_loaded(MODULE) ? module_unload(MODULE) : 0;
}

static bool source_is_thp(enum source source)
{
	return source == HUGE || source == HUGE_ZERO;
}

static bool source_has_pattern(enum source source)
{
	return source == HUGE || source == SMALL;
}

const char *migration_unavailable(const char *how, enum source source)
{
	if (source_is_thp(source) && thp_unavailable())
		return thp_unavailable();
	if (strstr(how, "device") && !migrate_can("device"))
		return "this kernel has no device-private memory (CONFIG_DEVICE_PRIVATE, 6.19 on)";
	if ((strstr(how, "2m") || strstr(how, "compound")) && !migrate_can("2m"))
		return "this kernel migrates no huge pages whole (6.19 on), or has none";
	return NULL;
}

/*
 * Each CPU collects pages for the LRU in batches. A page in a batch has an extra
 * reference, so it cannot be migrated. migrate_vma_setup() reliably drains only the
 * batches of the CPU it runs on.
 */
static void stay_on_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* PROT_NONE on both sides keeps smaps from merging the range with a neighbour. */
static char *map_aligned(void)
{
	char *mem = mmap(NULL, 3 * SIZE, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return mem == MAP_FAILED ? NULL : (char *)(((uintptr_t)mem + SIZE) & ~(SIZE - 1));
}

char *range_map(const char *how, enum source source)
{
	char *mem = map_aligned();
	struct migration m;

	if (!mem)
		return NULL;
	stay_on_cpu();
	if (!thp_unavailable() && thp_hold_khugepaged(true))
		return NULL;
	range_fill(mem, HUGE_ZERO);
	range_fill(mem, source);
	migrate(mem, SIZE, how, &m);
	range_clear(mem);
	return mem;
}

void range_clear(char *mem)
{
	mmap(mem, SIZE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

void range_clear_for(char *mem, enum source source)
{
	range_clear(mem);
	madvise(mem, SIZE, source == SMALL ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
}

void range_fill(char *mem, enum source source)
{
	range_clear_for(mem, source);
	if (source_has_pattern(source))
		pattern_fill(mem, SIZE, SEED);
	if (source == HUGE_ZERO)
		madvise(mem, SIZE, MADV_POPULATE_READ);
}

bool range_is_intact(const char *mem, enum source source)
{
	return source_has_pattern(source) ? !pattern_wrong(mem, SIZE, SEED) :
					    is_zero(mem, SIZE);
}

void placement_read(const char *mem, struct placement *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (pread(fd, p->pagemap, sizeof(p->pagemap),
		  (uintptr_t)mem / PAGE * sizeof(*p->pagemap)) != sizeof(p->pagemap))
		memset(p->pagemap, 0xff, sizeof(p->pagemap));
	close(fd);
	for (int i = 0; i < PAGES; i++)
		p->pagemap[i] &= PM_PLACE;
	p->huge_kb = smaps_kb(mem, SIZE, "AnonHugePages");
	p->pte_kb = status_kb("VmPTE");
}

int placement_same(const struct placement *a, const struct placement *b)
{
	int same = 0;

	for (int i = 0; i < PAGES; i++)
		same += a->pagemap[i] == b->pagemap[i];
	return same;
}

int placement_count(const struct placement *p, unsigned long flag)
{
	int n = 0;

	for (int i = 0; i < PAGES; i++)
		n += !!(p->pagemap[i] & flag);
	return n;
}

/* Reads a page's entry of /proc/kpageflags or /proc/kpagecount; -1UL if it cannot be read. */
static unsigned long page_word(const char *file, unsigned long pfn)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	unsigned long word;

	if (pread(fd, &word, sizeof(word), pfn * sizeof(word)) != sizeof(word))
		word = -1;
	close(fd);
	return word;
}

/* The usual reason is an extra reference to the page. Eight pages are enough to see it. */
void migration_print_refused(const struct migration *m)
{
	static struct placement p;
	int printed = 0;

	placement_read(m->start, &p);
	for (int i = 0; m->pages[i] && printed < 8; i++) {
		unsigned long pfn = p.pagemap[i] & PM_PFN;

		if (m->pages[i] == '-' && ++printed)
			printf("# page %d (%#lx) is no candidate: kpageflags %#lx, mapcount %lu\n",
			       i, pfn, page_word("/proc/kpageflags", pfn),
			       page_word("/proc/kpagecount", pfn));
	}
}
