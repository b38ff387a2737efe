// SPDX-License-Identifier: GPL-2.0
/*
 * A task all of whose allocations fail must still be able to open a knob and
 * disarm. Before errpath's own code runs, open(2) allocates the path, the file and
 * more: so these do not fail while the path leads to a file of errpath.
 */
#include <linux/compat.h>
#include <linux/dcache.h>
#include <linux/fs_struct.h>
#include <linux/kprobes.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include "own_file.h"

static const char directory[] = "/sys/kernel/debug/errpath/";
static struct dentry *root;

/**
 * own_file_set_root() - say which directory the files are in
 * @dentry: of the directory, or NULL
 */
void own_file_set_root(struct dentry *dentry)
{
	WRITE_ONCE(root, dentry);
}

/* The path that current opens, in user space; NULL if it opens none. */
static const char __user *opened_path(void)
{
	struct pt_regs *regs = task_pt_regs(current);
	unsigned long args[6];

	if (current->flags & PF_KTHREAD || in_compat_syscall())
		return NULL;
	syscall_get_arguments(current, regs, args);
	switch (syscall_get_nr(current, regs)) {
#ifdef __NR_open
	case __NR_open:
		return (const char __user *)args[0];
#endif
	case __NR_openat:
	case __NR_openat2:
		return (const char __user *)args[1];
	default:
		return NULL;
	}
}

static bool works_in_root(void)
{
	const struct dentry *own = READ_ONCE(root), *dentry;

	if (!own || !current->fs)
		return false;
	for (dentry = current->fs->pwd.dentry; dentry; dentry = dentry->d_parent) {
		if (dentry == own)
			return true;
		if (IS_ROOT(dentry))
			break;
	}
	return false;
}

/**
 * own_file_is_opened() - does current open a file of errpath just now
 *
 * By its absolute path below /sys/kernel/debug, or relative to a directory of errpath.
 *
 * Context: task context, with preemption off; does not fault.
 */
bool __kprobes own_file_is_opened(void)
{
	const char __user *path = opened_path();
	char text[sizeof(directory) - 1];

	if (!path || copy_from_user_nofault(text, path, 1))
		return false;
	if (*text != '/')
		return works_in_root();
	return !copy_from_user_nofault(text, path, sizeof(text)) &&
	       !memcmp(text, directory, sizeof(text));
}
