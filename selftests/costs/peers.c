// SPDX-License-Identifier: GPL-2.0
/*
 * The same costs by the kernel's own means: fail_function, failslab and fail_page_alloc, which
 * have the same knobs, and a BPF program. None but the BPF program compares the direct caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "costs.h"

#include "lib/file.h"
#include "lib/symbols.h"

#define DEBUGFS "/sys/kernel/debug/"

static const struct peer {
	enum loop loop;
	const char *own;	/* the injector of this subject, or NULL */
	const char *function;	/* for fail_function and BPF: marked ALLOW_ERROR_INJECTION */
	int result;		/* what the function returns so that the call fails */
} peers[] = {
	{
		.loop = LOOP_FTRACE,
		.function = "errpath_target",
		.result = -ENOMEM,
	}, {
		.loop = LOOP_KMALLOC,
		.own = "failslab",
		.function = "should_failslab",
		.result = -ENOMEM,
	}, {
		.loop = LOOP_PAGE,
		.own = "fail_page_alloc",
		.function = "should_fail_alloc_page",
		.result = true,
	},
};

struct setting {
	const char *knob;
	const char *value;
};

/* Sets a knob of an injector. Returns 0 or -errno. */
static int set(const char *injector, const char *knob, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", injector, knob);
	return file_write(path, value);
}

/* Reads a knob of an injector. Returns 0 or -errno. */
static int get(const char *injector, const char *knob, char *value, size_t size)
{
	char path[128];
	long len;

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", injector, knob);
	len = file_read(path, value, size);
	return len < 0 ? len : 0;
}

static int set_address(const char *injector, const char *knob, unsigned long address)
{
	char value[32];

	snprintf(value, sizeof(value), "0x%lx", address);
	return set(injector, knob, value);
}

/* Sets the injector up to fail each call of the tasks that make-it-fail selects. */
static int arm(const char *injector)
{
	static const struct setting settings[] = {
		{ .knob = "verbose", .value = "0" },
		{ .knob = "task-filter", .value = "Y" },
		{ .knob = "times", .value = "-1" },
		{ .knob = "probability", .value = "100" },
	};
	size_t i;
	int err = 0;

	for (i = 0; i < sizeof(settings) / sizeof(*settings) && !err; i++)
		err = set(injector, settings[i].knob, settings[i].value);
	return err;
}

/*
 * Selects this task, or none. The file stays open: a task that is selected may be unable to open
 * a file.
 */
static void select_self(bool self)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/proc/self/make-it-fail", O_WRONLY | O_CLOEXEC);
	check(pwrite(fd, self ? "1" : "0", 1, 0) == 1 ? 0 : -errno, "make-it-fail");
}

static void measure_selected(enum loop loop, const char *injector, const char *name, bool fails)
{
	select_self(true);
	loop_report(loop, injector, name, fails);
	select_self(false);
}

static void measure_injector(enum loop loop, const char *injector)
{
	unsigned long start, end;

	select_self(false);
	if (check(symbol_find_text(ELSEWHERE, &start, &end), ELSEWHERE) ||
	    check(arm(injector), injector))
		return;
	loop_report(loop, injector, "task-mismatch", false);
	check(set_address(injector, "require-start", start), injector);
	check(set_address(injector, "require-end", end), injector);
	measure_selected(loop, injector, "stack-mismatch", false);
	check(set_address(injector, "require-start", 0), injector);
	check(set_address(injector, "require-end", ~0UL), injector);
	measure_selected(loop, injector, "injecting", true);
	check(set(injector, "probability", "0"), injector);
}

static void measure_fail_function(const struct peer *peer)
{
	if (check(set("fail_function", "inject", peer->function), peer->function))
		return;
	measure_injector(peer->loop, "fail_function");
	check(set("fail_function", "inject", ""), "fail_function");
	loop_report(peer->loop, "fail_function", "disarmed", false);
}

/* By default fail_page_alloc ignores single pages. */
static void measure_own(const struct peer *peer)
{
	const bool has_order = !strcmp(peer->own, "fail_page_alloc");
	char order[32];

	if (has_order && (check(get(peer->own, "min-order", order, sizeof(order)), "min-order") ||
			  check(set(peer->own, "min-order", "0"), "min-order")))
		return;
	measure_injector(peer->loop, peer->own);
	if (has_order)
		check(set(peer->own, "min-order", order), "min-order");
	loop_report(peer->loop, peer->own, "disarmed", false);
}

void peers_without(void)
{
	const struct peer *peer;

	for (peer = peers; peer < peers + sizeof(peers) / sizeof(*peers); peer++) {
		measure_fail_function(peer);
		if (peer->own)
			measure_own(peer);
		bpf_without(peer->loop, peer->function, peer->result);
		loop_report(peer->loop, "bpf", "disarmed", false);
	}
}
