// SPDX-License-Identifier: GPL-2.0
/*
 * From a function's name to its text. kallsyms_lookup_name() is not exported
 * and its ENDBR is sealed on IBT kernels; registering a kprobe by name, born
 * disabled so that no text changes, tells the address all the same.
 */
#include <linux/errno.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/string.h>

#include "symbol.h"

static const char * const suffixes[] = { "", ".isra.0", ".constprop.0", ".part.0", ".cold" };

/**
 * symbol_address() - where a function is
 * @name: its name, or MODULE:NAME
 * @addr: its first instruction, after any ENDBR
 *
 * Also knows functions that kprobes refuse: the name is looked up first. May
 * sleep; takes kprobe_mutex.
 *
 * Return: 0, or -ENOENT if this kernel has no such function out of line.
 */
int symbol_address(const char *name, unsigned long *addr)
{
	struct kprobe probe = {
		.symbol_name = name,
		.flags = KPROBE_FLAG_DISABLED,
	};
	int err = register_kprobe(&probe);

	if (!probe.addr)
		return -ENOENT;
	*addr = (unsigned long)probe.addr;
	if (!err)
		unregister_kprobe(&probe);
	return 0;
}

/* sprint_symbol() is the exported way to a symbol's size: "name+0xOFF/0xSIZE". */
static int address_range(unsigned long addr, struct text_range *range)
{
	char text[KSYM_SYMBOL_LEN];
	unsigned long offset, size;
	const char *plus;

	sprint_symbol(text, addr);
	plus = strrchr(text, '+');
	if (!plus || sscanf(plus, "+0x%lx/0x%lx", &offset, &size) != 2)
		return -ENOENT;
	range->start = addr - offset;
	range->end = range->start + size;
	return 0;
}

/**
 * symbol_ranges() - find the text of a function
 * @name: its name, or MODULE:NAME
 * @ranges: filled with the text of it and of its clones (.isra, .cold, ...)
 *
 * May sleep; takes kprobe_mutex.
 *
 * Return: how many ranges were filled, or -ENOENT if this kernel has no such
 * function out of line.
 */
int symbol_ranges(const char *name, struct text_range ranges[SYMBOL_MAX_PARTS])
{
	char full[KSYM_NAME_LEN];
	unsigned long addr;
	int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(suffixes) && n < SYMBOL_MAX_PARTS; i++) {
		if (snprintf(full, sizeof(full), "%s%s", name, suffixes[i]) >= sizeof(full))
			break;
		if (!symbol_address(full, &addr) && !address_range(addr, &ranges[n]))
			n++;
	}
	return n ?: -ENOENT;
}
