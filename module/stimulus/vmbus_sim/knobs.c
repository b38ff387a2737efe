// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs vmbus_sim/: files for commands "BUS" or "BUS NUMBER" to the host (offer, rescind,
 * relations, eject), to a driver of one of the functions (msi) and to the module (reset, which
 * takes an empty line); the newest version of the protocol that the host supports; and for each
 * kind of message a directory messages/KIND with the rule for its answers.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/module.h>

#include "../order.h"
#include "sim.h"

static struct dentry *root;

static int command_offer(unsigned int bus, unsigned int number)
{
	return bus_offer(bus);
}

static int command_rescind(unsigned int bus, unsigned int number)
{
	return bus < SIM_MAX_BUSES ? bus_rescind(bus) : -EINVAL;
}

static int command_relations(unsigned int bus, unsigned int count)
{
	return bus_with(bus, host_report_relations, count);
}

static int command_eject(unsigned int bus, unsigned int slot)
{
	return bus_with(bus, host_eject, slot);
}

static int command_msi(unsigned int bus, unsigned int slot)
{
	return msi_use(bus, slot);
}

static int command_reset(unsigned int unused, unsigned int number)
{
	bus_rescind(SIM_MAX_BUSES);
	windows_defaults();
	config_defaults();
	host_defaults();
	return 0;
}

#define MAX_NUMBERS	2

/**
 * struct command - a file that is written to run a command
 * @name: name of the file
 * @numbers: how many numbers the command takes, at most MAX_NUMBERS
 * @run: runs the command
 */
struct command {
	const char *name;
	unsigned int numbers;
	int (*run)(unsigned int bus, unsigned int number);
};

static const struct command commands[] = {
	{ .name = "offer", .numbers = 1, .run = command_offer },
	{ .name = "rescind", .numbers = 1, .run = command_rescind },
	{ .name = "relations", .numbers = 2, .run = command_relations },
	{ .name = "eject", .numbers = 2, .run = command_eject },
	{ .name = "msi", .numbers = 2, .run = command_msi },
	{ .name = "reset", .numbers = 0, .run = command_reset },
};

static int command_run(const struct command *command, char *text)
{
	u64 numbers[MAX_NUMBERS] = {};
	unsigned int i;
	int err = 0;

	for (i = 0; i < command->numbers && !err; i++)
		err = order_number(order_word(&text), UINT_MAX, &numbers[i]);
	if (!err)
		err = order_end(text);
	return err ?: command->run(numbers[0], numbers[1]);
}

static ssize_t command_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	const struct command *command = file_inode(file)->i_private;
	char text[64];
	int err = order_copy(text, sizeof(text), buf, len) ?: command_run(command, text);

	return err ?: len;
}

static const struct file_operations command_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.write = command_write,
};

static void create_message(enum sim_message kind, struct dentry *messages)
{
	struct dentry *dir = debugfs_create_dir(host_message_names[kind], messages);
	struct sim_rule *rule = &host_rules[kind];

	debugfs_create_x32("status", 0600, dir, &rule->status);
	debugfs_create_u32("delay_ms", 0600, dir, &rule->delay_ms);
	debugfs_create_u32("drop", 0600, dir, &rule->drop);
	debugfs_create_u32("repeat", 0600, dir, &rule->repeat);
	debugfs_create_u32("seen", 0600, dir, &rule->seen);
}

/**
 * knobs_create() - create the files in debugfs
 *
 * May sleep.
 *
 * Return: 0, or the error of debugfs.
 */
int knobs_create(void)
{
	const struct command *command;
	struct dentry *messages;
	int kind;

	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(root))
		return PTR_ERR(root);
	for (command = commands; command < commands + ARRAY_SIZE(commands); command++)
		debugfs_create_file(command->name, 0200, root, (void *)command, &command_fops);
	debugfs_create_x32("version", 0600, root, &host_version);
	messages = debugfs_create_dir("messages", root);
	for (kind = 0; kind < SIM_NR_MESSAGES; kind++)
		create_message(kind, messages);
	return 0;
}

/**
 * knobs_remove() - remove the files from debugfs
 *
 * May sleep. On return no file operation runs any more.
 */
void knobs_remove(void)
{
	debugfs_remove(root);
}
