// SPDX-License-Identifier: GPL-2.0
/*
 * Sends each record of the sweep's protocol once, with values that are hard to encode, so that
 * test_sweepproto.py can compare them with the schema. Without the guest's virtio port, the
 * records go to stdout.
 */
#include "sweeps/core/records.h"

static const struct sweep_operation operation = {
	.name = "add",
	.what = "an \"add\" with a \\ and a \303\251",
};

static const struct sweep_operation scoped = {
	.name = "add",
	.what = "an add",
	.scope = "stack:add",
	.skip = "other",
};

static struct sweep_run run = {
	.nr_steps = 2,
	.step = {
		{ .name = "add", .err = -12 },
		{ .name = "remove" },
	},
	.wrong = "data intact",
	.signal = 11,
	.where = "[<0>] f+0x1/0x2\n[<0>] g+0x3/0x4\n",
};

static const struct target first = {
	.stack = { .function = "kmalloc", .frames = "f+0x1/0x2" },
	.occurrence = 1,
	.hash = "0123456789abcdef",
};

static const struct target second = {
	.stack = { .function = "kmalloc", .frames = "f+0x1/0x2\tg+0x3/0x4 [module]" },
	.occurrence = 2,
	.first = &first,
	.hash = "fedcba9876543210",
};

static struct verdict verdict = {
	.reason = "known: a leak",
	.nr_findings = 2,
	.finding = {
		{ .what = "slab.a", .difference = -1, .lasting = true },
		{ .what = "WARNING: \t tab", .known = true },
	},
};

int main(void)
{
	static const struct sweep_run empty;
	static const struct verdict clean;

	send_start(&operation, "alloc", "6.12.117");
	send_start(&scoped, "alloc", "6.12.117");
	send_unavailable("no \"module\"");
	send_target(&first);
	send_target(&second);
	send_failed(first.hash, 1, &run);
	send_again(first.hash, &empty);
	send_repeating(first.hash, 20);
	send_repeated(first.hash, 400);
	send_judged(first.hash, "xfail", &verdict);
	send_judged(first.hash, "pass", &clean);
	send_broken(second.hash, &run, "fail", &verdict);
	send_hang(second.hash, &run);
	send_end(2, 1);
	return 0;
}
