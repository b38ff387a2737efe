// SPDX-License-Identifier: GPL-2.0
/*
 * Measures what an intercepted function costs its callers. make bench runs it in a guest whose
 * clock advances by a nanosecond for each instruction, and which prints the instructions of a
 * call: "bench MECHANISM CASE INSTRUCTIONS". It also measures how long it takes to arm and to
 * disarm the point alloc, with all its functions: "time arming MICROSECONDS",
 * "time disarming MICROSECONDS".
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/file.h"
#include "lib/knobs.h"
#include "lib/module.h"
#include "lib/target.h"

#define CALLS 10000
#define RIVAL "/sys/kernel/debug/errpath_rival/set"

static const struct mechanism {
	const char *name;
	const char *point;
	const char *function;
	const char *which;
	const char *empty_hook;
} mechanisms[] = {
	{
		.name = "ftrace",
		.point = "target",
		.function = "errpath_target",
		.which = "traced",
		.empty_hook = "ipmodify",
	}, {
		.name = "kprobe",
		.point = "target_notrace",
		.function = "errpath_target_notrace",
		.which = "notrace",
		.empty_hook = "post_handler",
	},
};

static int errors;

static int check(int err, const char *what)
{
	if (err) {
		printf("bench: %s: %s\n", what, strerror(-err));
		errors++;
	}
	return err;
}

/* The first round fills the caches for the second one, which is measured. */
static void measure(const struct mechanism *m, const char *what)
{
	struct target_calls calls;

	if (check(target_call(100, m->which, "loop", &calls), what) ||
	    check(target_call(CALLS, m->which, "loop", &calls), what))
		return;
	printf("bench %s %s %llu\n", m->name, what,
	       (calls.ns + CALLS / 2) / CALLS);
}

/* Measure the cost of any hook: one that does nothing. */
static void measure_empty_hook(const struct mechanism *m)
{
	char order[128];

	snprintf(order, sizeof(order), "%s %s", m->empty_hook, m->function);
	if (check(file_write(RIVAL, order), m->empty_hook))
		return;
	measure(m, "empty-hook");
	check(file_write(RIVAL, "none"), "none");
}

static void measure_armed(const struct mechanism *m)
{
	if (check(knob_set(m->point, "verbose", "0"), "verbose") ||
	    check(knob_set(m->point, "tasks", "1"), "tasks") ||
	    check(knob_set(m->point, "times", "-1"), "times") ||
	    check(knob_set(m->point, "probability", "100"), "arming"))
		return;
	measure(m, "task-mismatch");
	check(knob_set(m->point, "tasks", "self"), "tasks");
	check(knob_set(m->point, "caller", "sparse_add_section"), "caller");
	measure(m, "caller-mismatch");
	check(knob_set(m->point, "caller", "stack:sparse_add_section"), "caller");
	measure(m, "stack-mismatch");
	check(knob_set(m->point, "caller", " "), "caller");
	measure(m, "injecting");
	check(disarm(m->point), "disarming");
}

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

#define ROUNDS 5

/* The first round also looks names up, so it does not count. */
static void measure_arming(void)
{
	long long start, armed, arming = 0, disarming = 0;
	int i, err = knob_set("alloc", "tasks", "1");

	check(err ?: knob_set("alloc", "times", "0"), "alloc");
	for (i = 0; i <= ROUNDS; i++) {
		start = now_us();
		check(knob_set("alloc", "probability", "100"), "arming alloc");
		armed = now_us();
		check(knob_set("alloc", "probability", "0"), "disarming alloc");
		if (!i)
			continue;
		arming += armed - start;
		disarming += now_us() - armed;
	}
	printf("time arming %lld\ntime disarming %lld\n", arming / ROUNDS,
	       disarming / ROUNDS);
}

int main(void)
{
	const struct mechanism *m;

	check(module_unload("errpath"), "rmmod errpath");
	check(module_load("errpath_rival", ""), "insmod errpath_rival");
	for (m = mechanisms; m < mechanisms + 2; m++) {
		measure(m, "not-loaded");
		measure_empty_hook(m);
	}
	check(module_unload("errpath_rival"), "rmmod errpath_rival");
	check(module_load("errpath", ""), "insmod errpath");
	for (m = mechanisms; m < mechanisms + 2; m++) {
		measure_armed(m);
		measure(m, "disarmed");
	}
	measure_arming();
	return !!errors;
}
