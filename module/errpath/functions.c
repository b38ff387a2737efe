// SPDX-License-Identifier: GPL-2.0
/*
 * The file functions: adds points at run time and removes them. A line is
 *   NAME FUNCTION[,FUNCTION...] RETURN	add a point
 *   -NAME				remove it
 * A read lists the points that were added in the form that adds them. An added point is a
 * point like any other, with a directory of knobs. The release of the guard and the unload of
 * this module remove all of them.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "arm.h"
#include "debugfs.h"
#include "functions.h"
#include "points.h"
#include "refuse.h"

#define MAX_POINTS	16
#define MAX_FUNCTIONS	16	/* of one point */
#define MAX_NAME	32	/* with the NUL */
#define MAX_WRITE	4096

/**
 * struct added_point - a point that was added at run time
 * @point: the point; errpath_points has it
 * @list: in added_points
 * @functions: its functions, then an entry without a symbol
 * @line: what was written, cut into words: the names that @point and @functions have
 * @returns: the word RETURN
 */
struct added_point {
	struct errpath_point point;
	struct list_head list;
	struct errpath_function functions[MAX_FUNCTIONS + 1];
	char *line;
	const char *returns;
};

/* Both are guarded by errpath_points_mutex. */
static LIST_HEAD(added_points);
static unsigned int nr_added;

static struct added_point *added_lookup(const char *name)
{
	struct added_point *added;

	list_for_each_entry(added, &added_points, list)
		if (!strcmp(added->point.name, name))
			return added;
	return NULL;
}

__printf(2, 3)
static int functions_refuse(int err, const char *fmt, ...)
{
	struct va_format text = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	text.va = &args;
	pr_err("functions: %pV\n", &text);
	va_end(args);
	return err;
}

/* -ENOMEM or -12. The kernel prints an error pointer by its name. */
static int parse_errno(const char *word, long *value)
{
	char name[24];
	int err;

	if (!kstrtoint(word, 10, &err)) {
		*value = err;
		return err < 0 && err >= -MAX_ERRNO ? 0 : -EINVAL;
	}
	for (err = 1; err <= MAX_ERRNO; err++) {
		snprintf(name, sizeof(name), "%pe", ERR_PTR(-err));
		if (strcmp(name, word))
			continue;
		*value = -err;
		return 0;
	}
	return -EINVAL;
}

static int parse_returns(const char *word, long *value)
{
	static const struct {
		const char *word;
		long value;
	} words[] = { { "NULL", 0 }, { "false", 0 }, { "0", 0 }, { "true", 1 }, { "1", 1 } };
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].word, word))
			continue;
		*value = words[i].value;
		return 0;
	}
	return *word == '-' ? parse_errno(word, value) : -EINVAL;
}

/* Names of files in the directory of errpath, and of a directory that a shell can name. */
static int check_name(const char *name)
{
	static const char * const files[] = { "guard", "status", "functions" };
	const char *c;

	for (c = name; *c; c++)
		if (!isalnum(*c) && !strchr("_.-", *c))
			return functions_refuse(-EINVAL, "%s: a name has letters, digits, _ . -",
						name);
	if (!isalnum(*name) && *name != '_')
		return functions_refuse(-EINVAL, "%s: a name begins with a letter, a digit or _",
					name);
	if (strlen(name) >= MAX_NAME)
		return functions_refuse(-EINVAL, "%s: a name has at most %d characters", name,
					MAX_NAME - 1);
	if (points_lookup(name) || match_string(files, ARRAY_SIZE(files), name) >= 0)
		return functions_refuse(-EEXIST, "%s exists: choose another name", name);
	return 0;
}

static bool has_function(const struct added_point *added, unsigned int n, const char *symbol)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!strcmp(added->functions[i].symbol, symbol))
			return true;
	return false;
}

static int add_function(struct added_point *added, unsigned int n, const char *symbol)
{
	const struct errpath_point *other = points_lookup_function(symbol);

	if (n == MAX_FUNCTIONS)
		return functions_refuse(-E2BIG, "%s: a point has at most %d functions",
					added->point.name, MAX_FUNCTIONS);
	if (other)
		return functions_refuse(-EBUSY, "%s is a function of the point %s: use that point",
					symbol, other->name);
	if (has_function(added, n, symbol))
		return functions_refuse(-EINVAL, "%s: name a function only once", symbol);
	added->functions[n].symbol = symbol;
	return refuse_function(symbol);
}

static int add_functions(struct added_point *added, char *list)
{
	unsigned int i, n = 0;
	long value;
	char *symbol;
	int err;

	if (parse_returns(added->returns, &value))
		return functions_refuse(-EINVAL,
					"%s: RETURN is NULL, false, true, 0, 1, or an error as -ENOMEM or -12",
					added->returns);
	while ((symbol = strsep(&list, ","))) {
		err = add_function(added, n++, symbol);
		if (err)
			return err;
	}
	if (value < 0)
		added->point.default_errno = value;
	for (i = 0; i < n && value > 0; i++)
		added->functions[i].returns = value;
	return 0;
}

/* Cut the line into its words. */
static int added_parse(struct added_point *added)
{
	char *rest = added->line, *words[3], *word;
	int n = 0, err;

	while ((word = strsep(&rest, " \t"))) {
		if (!*word)
			continue;
		if (n == ARRAY_SIZE(words))
			break;
		words[n++] = word;
	}
	if (n < ARRAY_SIZE(words) || word)
		return functions_refuse(-EINVAL,
					"write NAME FUNCTION[,FUNCTION...] RETURN to add a point, -NAME to remove it");
	added->point.name = words[0];
	added->point.functions = added->functions;
	added->returns = words[2];
	err = check_name(words[0]);
	return err ?: add_functions(added, words[1]);
}

static void added_release(struct added_point *added)
{
	struct intercept *ics[MAX_FUNCTIONS];
	unsigned int n = 0;

	point_exit(&added->point);
	for (; added->functions[n].symbol; n++)
		ics[n] = &added->functions[n].ic;
	intercept_release_all(ics, n);
}

static void added_free(struct added_point *added)
{
	kfree(added->line);
	kvfree(added);
}

static int added_start(struct added_point *added)
{
	int err = point_init(&added->point);

	if (err)
		return err;
	err = errpath_debugfs_add_point(&added->point);
	if (err) {
		added_release(added);
		return err;
	}
	list_add_tail(&added->point.list, &errpath_points);
	list_add_tail(&added->list, &added_points);
	nr_added++;
	return 0;
}

/* @line becomes the point's. */
static int functions_add(char *line)
{
	struct added_point *added = kvzalloc(sizeof(*added), GFP_KERNEL);
	int err;

	if (!added) {
		kfree(line);
		return -ENOMEM;
	}
	added->line = line;
	if (nr_added == MAX_POINTS)
		err = functions_refuse(-ENOSPC, "%d points were added: remove one by -NAME",
				       nr_added);
	else
		err = added_parse(added);
	if (!err)
		err = added_start(added);
	if (err)
		added_free(added);
	return err;
}

/* Nobody can reach the point after its files, apart from the list, which is locked. */
static void added_remove(struct added_point *added)
{
	list_del(&added->point.list);
	list_del(&added->list);
	nr_added--;
	errpath_debugfs_remove_point(&added->point);
	added_release(added);
	added_free(added);
}

static int functions_remove(const char *name)
{
	struct added_point *added = added_lookup(name);

	if (!added)
		return functions_refuse(-ENOENT, "%s is no point that was added here", name);
	added_remove(added);
	return 0;
}

/**
 * functions_remove_all() - remove the points that were added
 *
 * Context: may sleep; errpath_points_mutex is held, or the module is being unloaded.
 */
void functions_remove_all(void)
{
	struct added_point *added, *next;

	list_for_each_entry_safe(added, next, &added_points, list)
		added_remove(added);
}

/* One write is one line: it begins at the start of the file and has no NUL. */
static int functions_apply(char *text, bool whole)
{
	char *line;

	text = strim(text);
	if (whole && *text == '-')
		return functions_remove(text + 1);
	line = kstrdup(whole ? text : "", GFP_KERNEL);
	if (!line)
		return -ENOMEM;
	return functions_add(line);
}

static ssize_t functions_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char *line;
	int err;

	if (len > MAX_WRITE)
		return functions_refuse(-EINVAL, "a line has at most %d characters", MAX_WRITE);
	line = memdup_user_nul(buf, len);
	if (IS_ERR(line))
		return PTR_ERR(line);
	mutex_lock(&errpath_points_mutex);
	err = functions_apply(line, !*pos && strlen(line) == len);
	mutex_unlock(&errpath_points_mutex);
	kfree(line);
	if (err)
		return err;
	*pos += len;
	return len;
}

static void functions_show_point(struct seq_file *seq, const struct added_point *added)
{
	const struct errpath_function *fn;

	seq_printf(seq, "%s ", added->point.name);
	for (fn = added->functions; fn->symbol; fn++)
		seq_printf(seq, "%s%s", fn == added->functions ? "" : ",", fn->symbol);
	seq_printf(seq, " %s\n", added->returns);
}

static int functions_show(struct seq_file *seq, void *v)
{
	struct added_point *added;

	mutex_lock(&errpath_points_mutex);
	list_for_each_entry(added, &added_points, list)
		functions_show_point(seq, added);
	mutex_unlock(&errpath_points_mutex);
	return 0;
}

static int functions_open(struct inode *inode, struct file *file)
{
	int err = errpath_debugfs_check_open();

	return err ?: single_open(file, functions_show, NULL);
}

const struct file_operations functions_fops = {
	.owner = THIS_MODULE,
	.open = functions_open,
	.read = seq_read,
	.write = functions_write,
	.llseek = seq_lseek,
	.release = single_release,
};
