// SPDX-License-Identifier: GPL-2.0
/*
 * Look up functions by name. kallsyms_lookup_name() is not exported, and on IBT kernels
 * its ENDBR is removed. Registering a kprobe by name also returns the address; it is
 * disabled, so no text changes.
 */
#include <linux/errno.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "symbol.h"

/* The most frequent suffixes that compilers append to the names of clones. */
static const char * const clone_suffixes[] = { "", ".isra.0", ".constprop.0", ".part.0" };

/**
 * symbol_addresses() - look up the addresses of several functions
 * @names: their names, each NAME or MODULE:NAME
 * @addrs: set to the first instruction of each, after any ENDBR; 0: the kernel does not
 *	have the function out of line
 * @n: length of @names and @addrs
 *
 * Also finds functions that cannot have a kprobe: register_kprobe() looks up the name
 * first. If several functions have the name, the first one is found.
 *
 * Context: may sleep; takes kprobe_mutex and waits once for RCU.
 *
 * Return: 0 or -ENOMEM.
 */
int symbol_addresses(const char * const names[], unsigned long addrs[], unsigned int n)
{
	struct kprobe *probes = kcalloc(n, sizeof(*probes), GFP_KERNEL);
	struct kprobe **registered = kcalloc(n, sizeof(*registered), GFP_KERNEL);
	unsigned int i, nr_registered = 0;
	int err = probes && registered ? 0 : -ENOMEM;

	for (i = 0; i < n && !err; i++) {
		probes[i].symbol_name = names[i];
		probes[i].flags = KPROBE_FLAG_DISABLED;
		if (!register_kprobe(&probes[i]))
			registered[nr_registered++] = &probes[i];
		addrs[i] = (unsigned long)probes[i].addr;
	}
	if (nr_registered)
		unregister_kprobes(registered, nr_registered);
	kfree(registered);
	kfree(probes);
	return err;
}

/**
 * symbol_address() - look up the address of one function
 * @name: NAME or MODULE:NAME
 * @addr: set as symbol_addresses() does
 *
 * Context: as symbol_addresses().
 *
 * Return: 0, -ENOMEM, or -ENOENT if the kernel does not have the function out of line.
 */
int symbol_address(const char *name, unsigned long *addr)
{
	int err = symbol_addresses(&name, addr, 1);

	if (err)
		return err;
	return *addr ? 0 : -ENOENT;
}

/*
 * Test whether a module can still be loaded. find_module() is not exported, but the kobject
 * of every module is in one kset. A built-in driver can have a kobject there, too.
 */
static bool module_can_be_loaded(const char *name)
{
	struct kobject *kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, name);

	kobject_put(kobj);
	return !kobj;
}

static int check_module_function(const char *name)
{
	char module[MODULE_NAME_LEN];
	size_t len = strcspn(name, ":");

	if (!name[len])
		return -ENOENT;
	if (!len || len >= sizeof(module) || !name[len + 1])
		return -ENOENT;
	memcpy(module, name, len);
	module[len] = '\0';
	return module_can_be_loaded(module) ? -EAGAIN : -ENOENT;
}

/*
 * Look up clones that ftrace does not know, with a greater number or a second suffix. No
 * API lists the functions that match a pattern, but compilers use only small numbers.
 */
static int check_untraced_clones(const char *name)
{
	static const char * const kinds[] = { ".isra", ".constprop", ".part" };
	static const char * const seconds[] = { "", ".isra.0", ".constprop.0", ".part.0" };
	const int numbers = 4, n = ARRAY_SIZE(kinds) * ARRAY_SIZE(seconds) * numbers;
	char full[KSYM_NAME_LEN];
	unsigned long addr;
	int i, err = -ENOENT;

	for (i = 0; i < n && err == -ENOENT; i++) {
		if (snprintf(full, sizeof(full), "%s%s.%d%s", name,
			     kinds[i % ARRAY_SIZE(kinds)],
			     i / (int)(ARRAY_SIZE(kinds) * ARRAY_SIZE(seconds)),
			     seconds[i / ARRAY_SIZE(kinds) % ARRAY_SIZE(seconds)]) >= sizeof(full))
			break;
		err = symbol_address(full, &addr);
	}
	return err;
}

/*
 * Look up clones with other numbers or more than one suffix. ftrace accepts a pattern and
 * refuses one that no function matches. It compares all functions, which is slow.
 */
static int check_clones(const char *name)
{
	const char *colon = strchr(name, ':');
	char pattern[KSYM_NAME_LEN];
	struct ftrace_ops ops = {};
	int err, len;

	len = snprintf(pattern, sizeof(pattern), "%s.*", colon ? colon + 1 : name);
	if (len >= sizeof(pattern) || strpbrk(name, "*?[!"))
		return -ENOENT;
	err = ftrace_set_filter(&ops, pattern, len, 1);
	ftrace_free_filter(&ops);
	return err == -ENOMEM || !err ? err : check_untraced_clones(name);
}

/**
 * symbol_check_function() - test whether a function or a clone of it exists
 * @name: NAME or MODULE:NAME
 *
 * Context: as symbol_addresses().
 *
 * Return: 0, -ENOMEM, -EAGAIN if it may exist when its module is loaded, or -ENOENT.
 */
int symbol_check_function(const char *name)
{
	char full[KSYM_NAME_LEN];
	unsigned long addr;
	int i, err = -ENOENT;

	for (i = 0; i < ARRAY_SIZE(clone_suffixes) && err == -ENOENT; i++) {
		if (snprintf(full, sizeof(full), "%s%s", name, clone_suffixes[i]) >= sizeof(full))
			return -ENOENT;
		err = symbol_address(full, &addr);
	}
	if (err == -ENOENT)
		err = check_module_function(name);
	return err == -ENOENT ? check_clones(name) : err;
}

/**
 * symbol_start() - look up the start of a function, to call it
 * @name: NAME or MODULE:NAME
 * @start: set to its first byte, an ENDBR if it has one
 *
 * Context: as symbol_addresses().
 *
 * Return: as symbol_address().
 */
int symbol_start(const char *name, unsigned long *start)
{
	char text[KSYM_SYMBOL_LEN];
	unsigned long addr, offset;
	const char *plus;
	int err = symbol_address(name, &addr);

	if (err)
		return err;
	/* No other exported function gives a symbol's start: "name+0xOFFSET/0xSIZE". */
	sprint_symbol(text, addr);
	plus = strrchr(text, '+');
	if (!plus || sscanf(plus, "+0x%lx/", &offset) != 1)
		return -ENOENT;
	*start = addr - offset;
	return 0;
}
