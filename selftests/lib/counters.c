// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest.h"
#include "cgroup.h"
#include "counters.h"
#include "file.h"
#include "gauges.h"
#include "percpu_use.h"
#include "references.h"
#include "variables.h"

/*
 * Pauses grow by SETTLE_PAUSE_US, to more than seven seconds in all: kfree_rcu() can hold
 * objects back for five seconds.
 */
#define SETTLE_TRIES 20
#define SETTLE_PAUSE_US 40000
#define DROPS 4
/*
 * For counters that are compared exactly: a pause behind which one of kfree_rcu() has ended, and
 * as many more as a path in sysfs can be deep: dropping the caches frees a directory's dentry only
 * if those in it are gone.
 */
#define EXACT_PAUSE_US 8000000
#define EXACT_ROUNDS 10
#define EXACT_ROUND_US 1000000

/* @hint: where to look first; two snapshots have nearly the same names at the same places. */
static struct counter *counter_lookup(const struct counters *c, const char *name,
				      int hint)
{
	for (int i = 0; i < c->nr; i++) {
		const struct counter *k = &c->at[(hint + i) % c->nr];

		if (!strcmp(k->name, name))
			return (struct counter *)k;
	}
	return NULL;
}

static void counters_add(struct counters *c, const char *file, const char *entry,
			 long value)
{
	struct counter *k = &c->at[c->nr];

	if (c->nr == ARRAY_SIZE(c->at)) {
		fprintf(stderr, "# counters: table full, enlarge struct counters\n");
		abort();
	}
	snprintf(k->name, sizeof(k->name), "%s.%s", file, entry);
	k->value = value;
	k->slab = 0;
	c->nr++;
}

/* Underflowed counters print as nearly 2^64: parse them unsigned, and keep them as negative. */
static long parse_number(const char *text)
{
	return (long)strtoull(text, NULL, 10);
}

/* Lines "NAME VALUE", "NAME: VALUE kB" or "Node 0 NAME: VALUE kB". */
static int read_list(struct counters *c, const char *path, const char *file)
{
	char line[256], name[64], value[32];
	FILE *f = fopen(path, "re");
	char *start;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		start = line;
		if (!strncmp(line, "Node ", 5))
			start = strchr(line + 5, ' ');
		if (start &&
		    sscanf(start, " %63[^ :]%*[: ]%31s", name, value) == 2)
			counters_add(c, file, name, parse_number(value));
	}
	fclose(f);
	return 0;
}

/*
 * Adds up how much the direct map covers. The single sizes of pages are no gauges: making the
 * text of a module or a trampoline read-only splits large pages.
 */
static void sum_direct_map(struct counters *c)
{
	long sum = 0;

	for (int i = 0; i < c->nr; i++) {
		if (!strncmp(c->at[i].name, "meminfo.DirectMap", 17))
			sum += c->at[i].value;
	}
	counters_add(c, "meminfo", "DirectMap", sum);
}

/*
 * Adds up the pages on the LRU lists. Where a page is on them says how it was used: a process
 * that ends marks the pages of files that it has mapped, as its program, as used
 * (folio_mark_accessed(), called by zap_pte_range()), and a page that was marked twice is active.
 */
static void sum_lru_lists(struct counters *c)
{
	static const char * const kinds[] = { "anon", "file" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char active[64], inactive[64], sum[64];

		snprintf(active, sizeof(active), "vmstat.nr_active_%s", kinds[i]);
		snprintf(inactive, sizeof(inactive), "vmstat.nr_inactive_%s", kinds[i]);
		snprintf(sum, sizeof(sum), "nr_lru_%s", kinds[i]);
		counters_add(c, "vmstat", sum,
			     counters_value(c, active) + counters_value(c, inactive));
	}
}

static int read_node_list(struct counters *c, const char *node, const char *list)
{
	char path[600], file[300];

	snprintf(file, sizeof(file), "%s.%s", node, list);
	snprintf(path, sizeof(path), "/sys/devices/system/node/%s/%s", node, list);
	return read_list(c, path, file);
}

static int read_nodes(struct counters *c)
{
	struct dirent *d;
	int err = 0;
	DIR *dir = opendir("/sys/devices/system/node");

	if (!dir)
		return errno == ENOENT ? 0 : -errno;	/* CONFIG_NUMA=n */
	while (!err && (d = readdir(dir))) {
		if (strncmp(d->d_name, "node", 4))
			continue;
		err = read_node_list(c, d->d_name, "meminfo");
		if (!err)
			err = read_node_list(c, d->d_name, "vmstat");
	}
	closedir(dir);
	return err;
}

/*
 * Adds the pages on per-CPU lists to the free ones: nr_free_pages alone changes by a thousand
 * as pages go to these lists and back.
 */
static int read_zoneinfo(struct counters *c)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	char line[256];
	long n, sum = 0;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " nr_free_pages %ld", &n) == 1 ||
		    sscanf(line, " count: %ld", &n) == 1)
			sum += n;
	}
	fclose(f);
	counters_add(c, "zoneinfo", "free_and_pagesets", sum);
	return 0;
}

static int read_slab(struct counters *c)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	char line[512], name[64];
	long active, in_slab;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[^ #] %ld %*d %*d %ld", name, &active,
			   &in_slab) != 3)
			continue;
		counters_add(c, "slab", name, active);
		c->at[c->nr - 1].slab = in_slab;
	}
	fclose(f);
	return 0;
}

static int read_vmalloc(struct counters *c)
{
	FILE *f = fopen("/proc/vmallocinfo", "re");
	long size, pages, sum_pages = 0, areas = 0;
	char line[512];
	char *p;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		/* An area that is free, but was not taken out of the page tables yet. */
		if (strstr(line, "unpurged vm_area") || sscanf(line, "%*s %ld", &size) != 1)
			continue;
		areas++;
		p = strstr(line, " pages=");
		if (p && sscanf(p, " pages=%ld", &pages) == 1)
			sum_pages += pages;
	}
	fclose(f);
	counters_add(c, "vmalloc", "areas", areas);
	counters_add(c, "vmalloc", "pages", sum_pages);
	return 0;
}

static int read_iomem(struct counters *c)
{
	long err = file_read("/proc/iomem", c->iomem, sizeof(c->iomem));
	long lines = 0;

	for (const char *p = c->iomem; err > 0 && *p; p++)
		lines += *p == '\n';
	counters_add(c, "iomem", "lines", lines);
	return err < 0 ? err : 0;
}

/*
 * Counts the pages that nobody accounts for: neither free nor in use by what has a counter. A
 * page that goes from one use to another does not change it; a lost page, or one that a driver
 * allocated, does.
 */
static int count_unaccounted(struct counters *c)
{
	static const struct {
		const char *name;
		long per_page;		/* units of the counter in a page */
	} uses[] = {
		{ "zoneinfo.free_and_pagesets", 1 },
		{ "vmstat.nr_slab_reclaimable", 1 },
		{ "vmstat.nr_slab_unreclaimable", 1 },
		{ "vmstat.nr_anon_pages", 1 },
		{ "vmstat.nr_file_pages", 1 },
		{ "vmstat.nr_page_table_pages", 1 },
		{ "vmalloc.pages", 1 },
		{ "meminfo.Percpu", 4 },
	};
	long sum = counters_value(c, "meminfo.MemTotal") / 4;

	for (size_t i = 0; i < ARRAY_SIZE(uses); i++)
		sum -= counters_value(c, uses[i].name) / uses[i].per_page;
	counters_add(c, "pages", "unaccounted", sum);	/* COUNTERS_UNACCOUNTED */
	return 0;
}

static void add_reference(const char *cache, long live, void *data)
{
	struct counters *c = data;
	char name[64];

	snprintf(name, sizeof(name), "slab.%s", cache);
	counters_add(c, "references", cache, counters_value(c, name) - live);
}

static int count_references(struct counters *c)
{
	references_each(add_reference, c);
	return 0;
}

/*
 * The references to the huge zero page: one of each address space that has read it, and one of the
 * kernel while the page exists.
 */
static int read_huge_zero(struct counters *c)
{
	int references;
	int err = variable_read(VARIABLE_HUGE_ZERO_REFCOUNT, &references, sizeof(references));

	if (!err)
		counters_add(c, "huge_zero", "references", references);
	return err == -ENOENT ? 0 : err;
}

static int read_percpu(struct counters *c)
{
	long bytes;
	int err = percpu_use(&bytes);

	if (!err)
		counters_add(c, "percpu", "bytes", bytes);
	return err == -ENOENT ? 0 : err;
}

/* Lines "NAME SIZE REFERENCES ...": how many hold the module, so that it cannot be unloaded. */
static int read_modules(struct counters *c)
{
	FILE *f = fopen("/proc/modules", "re");
	char line[4096], name[64];
	long references;

	if (!f)
		return errno == ENOENT ? 0 : -errno;	/* CONFIG_MODULES=n */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %*d %ld", name, &references) == 2)
			counters_add(c, "modules", name, references);
	}
	fclose(f);
	return 0;
}

/* Removed cgroups that somebody still holds, and those that exist. */
static int read_cgroups(struct counters *c)
{
	const char *root = cgroup_root();
	char path[512];

	if (!root)
		return 0;
	snprintf(path, sizeof(path), "%s/cgroup.stat", root);
	return read_list(c, path, "cgroup");
}

static int read_vmstat(struct counters *c)
{
	int err = read_list(c, "/proc/vmstat", "vmstat");

	sum_lru_lists(c);
	return err;
}

static int read_meminfo(struct counters *c)
{
	int err = read_list(c, "/proc/meminfo", "meminfo");

	sum_direct_map(c);
	return err;
}

/* Adds what the CPUs counted, but did not yet add to the counters. */
static int refresh_vmstat(struct counters *c)
{
	int err = file_write("/proc/sys/vm/stat_refresh", "1");

	(void)c;
	return err == -ENOENT ? 0 : err;	/* CONFIG_SMP=n */
}

int counters_read(struct counters *c)
{
	static int (* const readers[])(struct counters *c) = {
		/* The slabs first: opening files makes CPUs take objects. */
		read_slab,
		count_references,
		read_huge_zero,
		read_percpu,
		read_modules,
		read_cgroups,
		read_meminfo,
		read_nodes,
		read_vmalloc,
		read_iomem,
		/* Last and together: the files before them make the slabs grow. */
		refresh_vmstat,
		read_zoneinfo,
		read_vmstat,
		count_unaccounted,
	};
	int err = 0;

	/* Touch all of the memory: it must not take pages between two entries. */
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < ARRAY_SIZE(readers) && !err; i++)
		err = readers[i](c);
	return err;
}

long counters_value(const struct counters *c, const char *name)
{
	const struct counter *k = counter_lookup(c, name, 0);

	return k ? k->value : 0;
}

bool counters_has(const struct counters *c, const char *name)
{
	return counter_lookup(c, name, 0);
}

void counters_set(struct counters *c, const char *name, long value)
{
	struct counter *k = counter_lookup(c, name, 0);

	if (k)
		k->value = value;
}

/*
 * Empties the LRU batches of all CPUs, of up to 31 pages each: the pages move to the LRU lists
 * or are freed. move_pages() without pages does only this. A kernel without NUMA lacks it, and
 * dropping the page cache does the same first.
 */
static void drain_lru_batches(void)
{
	int status;

	if (syscall(SYS_move_pages, 0, 0UL, NULL, &status, &status, 0))
		file_write("/proc/sys/vm/drop_caches", "1");
}

const char *counters_slab_of_192(void)
{
	static const char *slab;

	/* Each lookup takes dentries and inodes, which are counted. */
	if (!slab)
		slab = access("/sys/kernel/slab/kmalloc-192", F_OK) ? "kmalloc-256" : "kmalloc-192";
	return slab;
}

/* Whether the kernel checks slabs: then a CPU keeps no slab from which it takes objects. */
static bool slabs_are_checked(void)
{
	static enum { UNKNOWN, NO, YES } checked;
	char path[64], text[16];

	if (checked != UNKNOWN)
		return checked == YES;
	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/sanity_checks", counters_slab_of_192());
	checked = file_read(path, text, sizeof(text)) > 0 && *text == '1' ? YES : NO;
	return checked == YES;
}

/*
 * Frees the dentries and inodes that nobody uses. What was used recently, such as a file in sysfs
 * that was just looked up, is only aged at first: it was freed by the second time on 6.12, and by
 * the third on 7.3.
 */
static void drop_slab_caches(void)
{
	for (int i = 0; i < DROPS; i++)
		file_write("/proc/sys/vm/drop_caches", "2");
}

/*
 * Dropping the caches makes kfree_rcu() free the objects that it would hold back for five
 * seconds. The barrier waits for RCU, the pause for the work queues that free objects after
 * a grace period; stat_refresh folds the per-CPU differences.
 */
void counters_settle(void)
{
	drain_lru_batches();
	drop_slab_caches();
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	usleep(20000);
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	file_write("/proc/sys/vm/stat_refresh", "1");
}

int counters_settle_and_read(struct counters *c)
{
	references_visit_cpus();
	counters_settle();
	if (!slabs_are_checked())
		references_shrink();
	return counters_read(c);
}

int counters_open_shrink(const char *name)
{
	char path[256];

	if (strncmp(name, "slab.", 5))
		return -1;
	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", name + 5);
	return open(path, O_WRONLY | O_CLOEXEC);
}

/*
 * Writes many bytes: the kernel copies the text, and a short one would take a slab of 512
 * objects.
 */
int counters_shrink_by(int fd)
{
	char text[128];

	snprintf(text, sizeof(text), "1%120s", "");
	return pwrite(fd, text, strlen(text), 0) < 0 ? -errno : 0;
}

void counters_shrink(const char *name)
{
	int fd = counters_open_shrink(name);

	if (fd < 0)
		return;
	counters_shrink_by(fd);
	close(fd);
}

/* The free objects of the slabs that a CPU holds count as used. */
long counter_noise(const struct counter *k)
{
	long bound = gauge_bound(k->name);

	if (bound == GAUGE_SLABS)
		bound = GAUGE_SLABS_PER_CPU * k->slab * sysconf(_SC_NPROCESSORS_ONLN);
	return bound;
}

long counter_round_noise(const struct counter *k)
{
	if (gauge_bound(k->name) == GAUGE_SLABS && slabs_are_checked())
		return GAUGE_CHECKED_SLABS / 2;
	return counter_noise(k) / 2;
}

/* The free objects of slabs that are not checked count as used, also in a twin. */
static bool is_exact(const struct counters *c, const char *name)
{
	return c->exact && !gauge_varies_in_twins(name) &&
	       (strncmp(name, "slab.", 5) || slabs_are_checked());
}

long counters_noise(const struct counters *c, const char *name)
{
	const struct counter *k = counter_lookup(c, name, 0);
	long bound = k && !is_exact(c, name) ? counter_noise(k) : GAUGE_EXACT;

	return bound < 0 ? GAUGE_EXACT : bound;
}

/*
 * A decrease of slabs is not a finding: objects waited for RCU to be freed, or shrinking took
 * free ones back. Nor is a decrease of the unaccounted pages: on 6.1, eight or nine came back
 * in clean operations, too. It is not known which pages these are. Between twins only dentries and
 * inodes decreased: after a failure of hv_pci_probe() four of each less were there than without.
 */
static bool is_harmless_decrease(const struct counter *k, long before, long after, bool shrunk)
{
	if (after >= before)
		return false;
	return k->slab || gauge_is_late(k->name) || !strcmp(k->name, COUNTERS_UNACCOUNTED) ||
	       (shrunk && gauge_of_all_slabs(k->name));
}

static void compare_counter(struct comparison *c, const struct counter *k, long before,
			    long after, const struct counters *how)
{
	long bound = counter_noise(k);

	if (bound == GAUGE_IGNORED)
		return;
	if (is_exact(how, k->name))
		bound = GAUGE_EXACT;
	if (before == after)
		c->same++;
	else if (labs(after - before) <= bound ||
		 is_harmless_decrease(k, before, after, how->shrunk))
		c->noise++;
	else if (c->nr < (int)ARRAY_SIZE(c->out))
		c->out[c->nr++] = (struct difference){
			.name = k->name,
			.before = before,
			.after = after,
			.bound = bound,
		};
}

void counters_compare(const struct counters *before,
		      const struct counters *after, struct comparison *c)
{
	const struct counter *k;

	memset(c, 0, sizeof(*c));
	for (int i = 0; i < before->nr; i++) {
		k = counter_lookup(after, before->at[i].name, i);
		compare_counter(c, &before->at[i], before->at[i].value,
				k ? k->value : 0, after);
	}
	for (int i = 0; i < after->nr; i++) {
		if (!counter_lookup(before, after->at[i].name, i))
			compare_counter(c, &after->at[i], 0, after->at[i].value, after);
	}
}

void counters_each_difference(const struct counters *before, const struct counters *after,
			      void (*action)(const char *name, long difference))
{
	for (int i = 0; i < after->nr; i++) {
		const struct counter *k = &after->at[i];
		long difference = k->value - counters_value(before, k->name);

		if (difference && counter_noise(k) != GAUGE_IGNORED)
			action(k->name, difference);
	}
}

/* Shrinks the cache of the counter @name, or all caches if it counts the pages of all. */
static void shrink_caches_of(struct counters *c, const char *name)
{
	if (!gauge_of_all_slabs(name)) {
		counters_shrink(name);
		return;
	}
	for (int i = 0; i < c->nr; i++)
		counters_shrink(c->at[i].name);
	c->shrunk = true;
}

/*
 * Returns whether only gauges differ that waiting does not change; shrinks the caches of all that
 * differ.
 */
static bool noise_is_over(const struct counters *before, struct counters *after)
{
	struct comparison c;
	bool over = true;

	counters_compare(before, after, &c);
	for (int i = 0; i < c.nr; i++) {
		shrink_caches_of(after, c.out[i].name);
		over &= c.out[i].bound == GAUGE_EXACT && !gauge_is_late(c.out[i].name);
	}
	return over;
}

int counters_read_settled(struct counters *after,
			  const struct counters *expected)
{
	bool shrunk = false;
	int err;

	for (int i = 0; i < SETTLE_TRIES; i++) {
		usleep(i * SETTLE_PAUSE_US);
		err = counters_settle_and_read(after);
		after->shrunk = shrunk;
		if (err || noise_is_over(expected, after))
			return err;
		shrunk = after->shrunk;
	}
	return 0;
}

/* Returns whether the kernel freed something meanwhile that a late gauge counts. */
static bool late_gauge_fell(const struct counters *from, const struct counters *to)
{
	for (int i = 0; i < from->nr; i++) {
		const struct counter *k = &from->at[i];

		if (gauge_is_late(k->name) && counters_value(to, k->name) < k->value)
			return true;
	}
	return false;
}

/*
 * Returns whether something changed by itself between two snapshots. No counter has the free pages
 * that compaction isolates: while it ran in a loop, one of 50 snapshots had 12 more of them (7.3).
 */
static bool is_unsettled(const struct counters *from, const struct counters *to)
{
	return late_gauge_fell(from, to) || counters_value(from, COUNTERS_UNACCOUNTED) !=
					    counters_value(to, COUNTERS_UNACCOUNTED);
}

int counters_read_steady(struct counters *c, struct counters *last)
{
	int err = counters_settle_and_read(last);

	for (int i = 0; i < SETTLE_TRIES && !err; i++) {
		usleep(i * SETTLE_PAUSE_US);
		err = counters_settle_and_read(c);
		if (err || !is_unsettled(last, c))
			break;
		*last = *c;
	}
	return err;
}

int counters_read_exact(struct counters *c)
{
	int err;

	usleep(EXACT_PAUSE_US);
	for (int i = 0; i < EXACT_ROUNDS; i++) {
		counters_settle();
		usleep(EXACT_ROUND_US);
	}
	err = counters_settle_and_read(c);
	c->exact = true;
	return err;
}
