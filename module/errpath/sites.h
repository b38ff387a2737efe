/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_SITES_H
#define ERRPATH_SITES_H

#include <linux/atomic.h>
#include <linux/seq_file.h>

#define SITES_MAX	16

/**
 * struct sites - number of failed calls by call site
 * @at: return addresses, with the number of failed calls of each
 * @others: number of failed calls from other addresses, when @at is full
 */
struct sites {
	struct {
		unsigned long addr;
		atomic_long_t injected;
	} at[SITES_MAX];
	atomic_long_t others;
};

void sites_count_slow(struct sites *sites, unsigned long addr);
void sites_show(const struct sites *sites, struct seq_file *seq);

/* Count a failed call with the return address @addr. Any context; takes no lock. */
static __always_inline void sites_count(struct sites *sites, unsigned long addr)
{
	if (READ_ONCE(sites->at[0].addr) == addr)
		atomic_long_inc(&sites->at[0].injected);
	else
		sites_count_slow(sites, addr);
}

#endif /* ERRPATH_SITES_H */
