// SPDX-License-Identifier: GPL-2.0
/*
 * A task whose allocations all fail must still be able to open a knob and disarm the
 * point. Before errpath's own code runs, open(2) allocates the path, the file and more:
 * these allocations do not fail if the path is that of a file of errpath.
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

static const char own_path[] = "/sys/kernel/debug/errpath/";
static struct dentry *own_root;

/**
 * own_file_set_root() - set the directory of errpath's files
 * @dentry: dentry of the directory, or NULL
 */
void own_file_set_root(struct dentry *dentry)
{
	WRITE_ONCE(own_root, dentry);
}

/* Return the path that current is opening; NULL: it is not in open(2). */
static const char __user *path_being_opened(void)
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

static bool works_in_own_directory(void)
{
	const struct dentry *own = READ_ONCE(own_root), *dentry;

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
 * own_file_is_opened() - test whether current is opening a file of errpath
 *
 * Finds an absolute path below /sys/kernel/debug, and a relative path if the working
 * directory is one of errpath. Does not find a path on a page that the task has not touched yet.
 *
 * Context: task context, with preemption disabled; does not fault.
 */
bool __kprobes own_file_is_opened(void)
{
	const char __user *path = path_being_opened();
	char text[sizeof(own_path) - 1];

	if (!path || copy_from_user_nofault(text, path, 1))
		return false;
	if (*text != '/')
		return works_in_own_directory();
	return !copy_from_user_nofault(text, path, sizeof(text)) &&
	       !memcmp(text, own_path, sizeof(text));
}
