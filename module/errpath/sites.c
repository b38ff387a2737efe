// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics by site. Only a failure is counted here, which may cost; a call
 * that goes on does not come by.
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/string.h>

#include "sites.h"

/**
 * sites_count() - one failure more
 * @sites: where to count it
 * @addr: where the failed call returned to
 *
 * Any context; no lock.
 */
void __kprobes sites_count(struct sites *sites, unsigned long addr)
{
	unsigned long was;
	int i;

	for (i = 0; i < SITES_MAX; i++) {
		was = cmpxchg(&sites->at[i].addr, 0, addr);
		if (was && was != addr)
			continue;
		atomic_long_inc(&sites->at[i].injected);
		return;
	}
	atomic_long_inc(&sites->others);
}

/* The function, without what compilers add to its name. */
static void name_of(char name[KSYM_SYMBOL_LEN], unsigned long addr)
{
	/* A return address can be the first byte after a call that never returns. */
	sprint_symbol_no_offset(name, addr - 1);
	name[strcspn(name, ". ")] = '\0';
}

/* All of one function's addresses at its first; the others were told with that. */
static long injected_by(const struct sites *sites, int first, const char *name)
{
	char other[KSYM_SYMBOL_LEN];
	long sum = 0;
	int i;

	for (i = 0; i < SITES_MAX && sites->at[i].addr; i++) {
		name_of(other, sites->at[i].addr);
		if (strcmp(other, name))
			continue;
		if (i < first)
			return 0;
		sum += atomic_long_read(&sites->at[i].injected);
	}
	return sum;
}

/**
 * sites_show() - a line "site FUNCTION FAILURES" for each
 * @sites: what was counted
 * @seq: where to
 *
 * May sleep.
 */
void sites_show(const struct sites *sites, struct seq_file *seq)
{
	char name[KSYM_SYMBOL_LEN];
	long injected;
	int i;

	for (i = 0; i < SITES_MAX && sites->at[i].addr; i++) {
		name_of(name, sites->at[i].addr);
		injected = injected_by(sites, i, name);
		if (injected)
			seq_printf(seq, "site %s %ld\n", name, injected);
	}
	if (atomic_long_read(&sites->others))
		seq_printf(seq, "site others %ld\n", atomic_long_read(&sites->others));
}
