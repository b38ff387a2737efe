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
	.stack = { .request = "GFP_KERNEL,8", .function = "kmalloc", .frames = "f+0x1/0x2" },
	.occurrence = 1,
	.hash = "0123456789abcdef",
};

static const struct target second = {
	.stack = {
		.request = "-",
		.function = "kmalloc",
		.frames = "f+0x1/0x2\tg+0x3/0x4 [module]",
	},
	.occurrence = 2,
	.first = &first,
	.hash = "fedcba9876543210",
};

static const struct cover cover = { .nr = 2, .at = { 0xffffffff81000005, 0xffffffff81000105 } };

static const struct kept kept = {
	.where = "kernel/resource.c:184 alloc_resource",
	.bytes = 128,
	.calls = 1,
};

static struct verdict verdict = {
	.reason = "known: a leak",
	.nr_findings = 2,
	.finding = {
		{ .what = "slab.a", .difference = -1, .lasting = true },
		{ .what = "WARNING: \t tab", .known = true },
	},
};

/* Stands for that of lib/verdict.c. */
void verdict_each_difference(const struct verdict *v,
			     void (*action)(const char *name, long difference))
{
	(void)v;
	action("slab.a", -1);
	action("pages.unaccounted", 1);
}

int main(void)
{
	static const struct sweep_run empty;
	static const struct verdict clean;

	send_start(&operation, "alloc", "6.12.117");
	send_start(&scoped, "alloc", "6.12.117");
	send_unavailable("no \"module\"");
	send_found(first.hash);
	send_waiting(1);
	send_target(&first);
	send_target(&second);
	send_elsewhere(&second);
	send_failed(first.hash, 1, &run);
	send_again(first.hash, &empty);
	send_moved(first.hash, 0x0123456789abcdef, &clean);
	send_repeating(first.hash, 20);
	send_clean(&cover);
	send_covered(first.hash, &cover);
	send_kept(first.hash, &kept, 1);
	send_repeated(first.hash, 400);
	send_judged(first.hash, "xfail", &verdict);
	send_judged(first.hash, "pass", &clean);
	send_broken(second.hash, &run, "fail", &verdict);
	send_hang(second.hash, &run);
	send_end(2, 1);
	return 0;
}
