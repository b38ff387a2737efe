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

/*
 * struct peer - what is measured by other means than errpath
 * @loop: the loop, or WORKLOADS
 * @own_name: the injector of lines with @own, or NULL
 * @own: directories of the injectors of this subject
 * @functions: for fail_function and BPF
 */
struct peer {
	enum loop loop;
	const char *own_name;
	const char *own[MOST_FAILING];
	struct failing functions[MOST_FAILING];
};

#define FAILSLAB "failslab"
#define FAIL_PAGE_ALLOC "fail_page_alloc"
#define SLAB { .name = "should_failslab", .result = -ENOMEM }
#define PAGE { .name = "should_fail_alloc_page", .result = true }

static const struct peer peers[] = {
	{
		.loop = LOOP_FTRACE,
		.functions = { { .name = "errpath_target", .result = -ENOMEM } },
	}, {
		.loop = LOOP_KMALLOC,
		.own_name = FAILSLAB,
		.own = { FAILSLAB },
		.functions = { SLAB },
	}, {
		.loop = LOOP_PAGE,
		.own_name = FAIL_PAGE_ALLOC,
		.own = { FAIL_PAGE_ALLOC },
		.functions = { PAGE },
	},
};

static const struct peer all_workloads = {
	.loop = WORKLOADS,
	.own_name = "failslab+page",
	.own = { FAILSLAB, FAIL_PAGE_ALLOC },
	.functions = { SLAB, PAGE },
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

static int require_stack(const char *injector, unsigned long start, unsigned long end)
{
	char text[32];
	int err;

	snprintf(text, sizeof(text), "0x%lx", start);
	err = set(injector, "require-start", text);
	snprintf(text, sizeof(text), "0x%lx", end);
	return err ?: set(injector, "require-end", text);
}

/* By default these ignore some allocations. The former values are kept. */
static struct ignored {
	const char *injector;
	const char *knob;
	const char *all;	/* the value with which none is ignored */
	char former[32];
} ignored[] = {
	{ .injector = FAILSLAB, .knob = "ignore-gfp-wait", .all = "N" },
	{ .injector = FAIL_PAGE_ALLOC, .knob = "ignore-gfp-wait", .all = "N" },
	{ .injector = FAIL_PAGE_ALLOC, .knob = "ignore-gfp-highmem", .all = "N" },
	{ .injector = FAIL_PAGE_ALLOC, .knob = "min-order", .all = "0" },
};

static void ignore_none(void)
{
	struct ignored *knob;

	for (knob = ignored; knob < ignored + sizeof(ignored) / sizeof(*ignored); knob++) {
		check(get(knob->injector, knob->knob, knob->former, sizeof(knob->former)),
		      knob->knob);
		check(set(knob->injector, knob->knob, knob->all), knob->knob);
	}
}

static void ignore_as_before(void)
{
	struct ignored *knob;

	for (knob = ignored; knob < ignored + sizeof(ignored) / sizeof(*ignored); knob++)
		check(set(knob->injector, knob->knob, knob->former), knob->knob);
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

/* Measures all cases of injectors that are @n directories. */
static void measure_injectors(enum loop loop, const char *name, const char * const *injectors,
			      int n)
{
	unsigned long start, end;
	int i;

	select_self(false);
	if (check(symbol_find_text(ELSEWHERE, &start, &end), ELSEWHERE))
		return;
	for (i = 0; i < n; i++)
		check(arm(injectors[i]), injectors[i]);
	loop_report(loop, name, "task-mismatch", false);
	for (i = 0; i < n; i++)
		check(require_stack(injectors[i], start, end), injectors[i]);
	measure_selected(loop, name, "stack-mismatch", false);
	for (i = 0; i < n; i++)
		check(require_stack(injectors[i], 0, ~0UL), injectors[i]);
	if (loop != WORKLOADS)
		measure_selected(loop, name, "injecting", true);
	for (i = 0; i < n; i++)
		check(set(injectors[i], "probability", "0"), injectors[i]);
}

static void measure_fail_function(const struct peer *peer)
{
	static const char * const fail_function[] = { "fail_function" };
	int i;

	for (i = 0; i < MOST_FAILING && peer->functions[i].name; i++)
		check(set(*fail_function, "inject", peer->functions[i].name),
		      peer->functions[i].name);
	measure_injectors(peer->loop, *fail_function, fail_function, 1);
	check(set(*fail_function, "inject", ""), *fail_function);
	loop_report(peer->loop, *fail_function, "disarmed", false);
}

static void measure_own(const struct peer *peer)
{
	ignore_none();
	measure_injectors(peer->loop, peer->own_name, peer->own,
			  peer->own[MOST_FAILING - 1] ? MOST_FAILING : 1);
	ignore_as_before();
	loop_report(peer->loop, peer->own_name, "disarmed", false);
}

static void measure_peer(const struct peer *peer)
{
	measure_fail_function(peer);
	if (peer->own_name)
		measure_own(peer);
	bpf_measure(peer->loop, peer->functions);
}

void measure_peers(void)
{
	const struct peer *peer;

	for (peer = peers; peer < peers + sizeof(peers) / sizeof(*peers); peer++)
		measure_peer(peer);
}

void peers_workloads(void)
{
	measure_peer(&all_workloads);
}
