// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics by call site. Only failed calls are counted here, so the cost does not
 * matter to other calls.
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/string.h>

#include "sites.h"

/**
 * sites_count_slow() - count a failed call
 * @sites: the counts
 * @addr: return address of the call
 *
 * Context: any; takes no lock.
 */
void __kprobes sites_count_slow(struct sites *sites, unsigned long addr)
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

/* Get the function of a return address, without the suffixes that compilers add. */
static void site_name(char name[KSYM_SYMBOL_LEN], unsigned long addr)
{
	/* After a call that never returns, the return address can be in the next function. */
	sprint_symbol_no_offset(name, addr - 1);
	name[strcspn(name, ". ")] = '\0';
}

/*
 * Add up the counts of a function, at its first address. Return 0 at its other addresses,
 * so that the function is shown once.
 */
static long site_injected(const struct sites *sites, int first, const char *name)
{
	char other[KSYM_SYMBOL_LEN];
	long sum = 0;
	int i;

	for (i = 0; i < SITES_MAX && sites->at[i].addr; i++) {
		site_name(other, sites->at[i].addr);
		if (strcmp(other, name))
			continue;
		if (i < first)
			return 0;
		sum += atomic_long_read(&sites->at[i].injected);
	}
	return sum;
}

/**
 * sites_show() - print a line "site FUNCTION FAILURES" for each function
 * @sites: the counts
 * @seq: file to print to
 *
 * Context: may sleep.
 */
void sites_show(const struct sites *sites, struct seq_file *seq)
{
	char name[KSYM_SYMBOL_LEN];
	long injected;
	int i;

	for (i = 0; i < SITES_MAX && sites->at[i].addr; i++) {
		site_name(name, sites->at[i].addr);
		injected = site_injected(sites, i, name);
		if (injected)
			seq_printf(seq, "site %s %ld\n", name, injected);
	}
	if (atomic_long_read(&sites->others))
		seq_printf(seq, "site others %ld\n", atomic_long_read(&sites->others));
}
