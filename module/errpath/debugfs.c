// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/errpath: one directory for each point with one file for each
 * knob, and the files guard, status and functions.
 *
 * No file can be opened before the module's init has succeeded. An open file keeps the
 * module from being unloaded, but not its memory from being freed when init fails.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "control.h"
#include "debugfs.h"
#include "functions.h"
#include "knobs.h"
#include "own_file.h"
#include "points.h"

#define MAX_WRITE	4096
#define SHORT_WRITE	64	/* a shorter write needs no allocation */

/* The i_private of a knob's inode. */
struct knob_file {
	struct errpath_point *point;
	const struct knob *knob;
};

static struct dentry *errpath_root;
static bool may_open;

/**
 * errpath_debugfs_check_open() - test whether files can be opened
 *
 * Return: 0, or -EAGAIN until the module's init has succeeded.
 */
int errpath_debugfs_check_open(void)
{
	/* pairs with smp_store_release() in errpath_debugfs_open() */
	return smp_load_acquire(&may_open) ? 0 : -EAGAIN;
}

static int knob_seq_show(struct seq_file *seq, void *v)
{
	const struct knob_file *file = seq->private;

	knob_show(file->point, file->knob, seq);
	return 0;
}

static int knob_open(struct inode *inode, struct file *file)
{
	struct knob_file *knob_file = inode->i_private;
	int err = errpath_debugfs_check_open();

	if (err)
		return err;
	return single_open_size(file, knob_seq_show, knob_file,
				knob_expected_size(knob_file->point, knob_file->knob));
}

/* One write is one setting: it begins at the start of the file and has no NUL. */
static int knob_write_text(const struct knob_file *file, char *text, size_t len, loff_t pos)
{
	if (!len || pos || strlen(text) != len)
		return knob_refuse(file->point, file->knob, -EINVAL);
	return knob_set(file->point, file->knob, text);
}

static int knob_write_long(const struct knob_file *file, const char __user *buf, size_t len,
			   loff_t pos)
{
	char *text = memdup_user_nul(buf, len);
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	err = knob_write_text(file, text, len, pos);
	kfree(text);
	return err;
}

static ssize_t knob_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	const struct knob_file *knob_file = ((struct seq_file *)file->private_data)->private;
	char text[SHORT_WRITE];
	int err;

	/* The mode of a read-only file does not stop root. */
	if (!knob_file->knob->set)
		return -EINVAL;
	if (len > MAX_WRITE)
		return knob_refuse(knob_file->point, knob_file->knob, -EINVAL);
	if (len >= sizeof(text)) {
		err = knob_write_long(knob_file, buf, len, *pos);
	} else {
		if (copy_from_user(text, buf, len))
			return -EFAULT;
		text[len] = '\0';
		err = knob_write_text(knob_file, text, len, *pos);
	}
	if (err)
		return err;
	*pos += len;
	return len;
}

static const struct file_operations knob_fops = {
	.owner = THIS_MODULE,
	.open = knob_open,
	.read = seq_read,
	.write = knob_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int create_file(const char *name, umode_t mode, struct dentry *dir, void *data,
		       const struct file_operations *fops)
{
	return PTR_ERR_OR_ZERO(debugfs_create_file(name, mode, dir, data, fops));
}

static unsigned int count_knobs(const struct errpath_point *point)
{
	const struct knob *knob;
	unsigned int n = 0;

	for (knob = errpath_knobs; knob->name; knob++)
		n += knob_exists(point, knob);
	return n;
}

static int create_knobs(struct errpath_point *point)
{
	struct knob_file *file = point->files;
	const struct knob *knob;
	int err = 0;

	for (knob = errpath_knobs; knob->name && !err; knob++) {
		if (!knob_exists(point, knob))
			continue;
		*file = (struct knob_file) { .point = point, .knob = knob };
		err = create_file(knob->name, knob->set ? 0600 : 0400, point->dir, file++,
				  &knob_fops);
	}
	return err;
}

/**
 * errpath_debugfs_add_point() - create the directory of a point
 * @point: the point, initialised
 *
 * Context: may sleep.
 *
 * Return: 0, or with nothing created -ENOMEM or an error of debugfs.
 */
int errpath_debugfs_add_point(struct errpath_point *point)
{
	int err;

	point->files = kcalloc(count_knobs(point), sizeof(*point->files), GFP_KERNEL);
	if (!point->files)
		return -ENOMEM;
	point->dir = debugfs_create_dir(point->name, errpath_root);
	err = PTR_ERR_OR_ZERO(point->dir);
	if (!err)
		err = create_knobs(point);
	if (err)
		errpath_debugfs_remove_point(point);
	return err;
}

/**
 * errpath_debugfs_remove_point() - remove the directory of a point
 * @point: the point; may have no directory
 *
 * On return no file operation on its knobs is running, and none will.
 *
 * Context: may sleep; must not be called with the point's mutex held.
 */
void errpath_debugfs_remove_point(struct errpath_point *point)
{
	if (!IS_ERR_OR_NULL(point->dir))
		debugfs_remove(point->dir);
	point->dir = NULL;
	kfree(point->files);
	point->files = NULL;
}

static int create_files(void)
{
	struct errpath_point *point;
	int err = create_file("guard", 0600, errpath_root, NULL, &guard_fops);

	if (!err)
		err = create_file("status", 0400, errpath_root, NULL, &status_fops);
	if (!err)
		err = create_file("functions", 0600, errpath_root, NULL, &functions_fops);
	list_for_each_entry(point, &errpath_points, list) {
		if (err)
			break;
		err = errpath_debugfs_add_point(point);
	}
	return err;
}

static int create_root(void)
{
	errpath_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (!IS_ERR(errpath_root))
		return 0;
	if (PTR_ERR(errpath_root) == -EEXIST)
		pr_err("cannot create the knobs: debugfs has a directory %s already\n",
		       KBUILD_MODNAME);
	else if (PTR_ERR(errpath_root) != -ENOMEM)
		pr_err("cannot create the knobs: debugfs is off: boot with debugfs=on, a kernel with CONFIG_DEBUG_FS\n");
	return PTR_ERR(errpath_root);
}

/**
 * errpath_debugfs_create() - create all directories and files
 *
 * The points are initialised. No file can be opened before errpath_debugfs_open().
 *
 * Context: may sleep.
 *
 * Return: 0, -ENOMEM, or an error of debugfs after a line in the kernel log.
 */
int errpath_debugfs_create(void)
{
	int err = create_root();

	if (err)
		return err;
	own_file_set_root(errpath_root);
	err = create_files();
	if (err) {
		pr_err("cannot create the knobs: debugfs refuses a file (error %d)\n", err);
		errpath_debugfs_remove();
	}
	return err;
}

/**
 * errpath_debugfs_open() - let files be opened from now on
 *
 * Call it last in the module's init, which must not fail afterwards.
 */
void errpath_debugfs_open(void)
{
	/* pairs with smp_load_acquire() in errpath_debugfs_check_open() */
	smp_store_release(&may_open, true);
}

/**
 * errpath_debugfs_remove() - remove all directories and files
 *
 * On return no file operation is running.
 *
 * Context: may sleep.
 */
void errpath_debugfs_remove(void)
{
	struct errpath_point *point;

	own_file_set_root(NULL);
	list_for_each_entry(point, &errpath_points, list)
		errpath_debugfs_remove_point(point);
	debugfs_remove(errpath_root);
}
