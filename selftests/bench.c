// SPDX-License-Identifier: GPL-2.0
/*
 * Measures what errpath costs, in a guest whose clock advances by a nanosecond for each
 * instruction. ERRPATH_BENCH in the environment names the parts to run, separated by commas.
 *
 * It prints lines "bench SUBJECT INJECTOR CASE COUNT". The count is the instructions of one call
 * or operation of the subject; for arming and disarming it is the guest's time in ns.
 * subjects   ftrace, kprobe: a function that is intercepted by this mechanism; kmalloc: kmalloc()
 *            and kfree(); page: a page; page-fault, fork-exec, open-read: whole workloads;
 *            alloc, cpus-arming: arming; points, tasks, callers, scopes, cpus: a function
 *            again, the case is how many of them are armed, named or online
 * injectors  none; hook: one that does nothing; errpath; fail_function, failslab,
 *            fail_page_alloc, failslab+page (both), bpf: the kernel's own
 * cases      not-loaded, disarmed, empty; task-mismatch, caller-mismatch, stack-mismatch: armed,
 *            but the call is of another task, of another caller, below another function;
 *            injecting: the call fails
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "costs/costs.h"
#include "lib/module.h"

static const struct part {
	const char *name;
	void (*without)(void);	/* may be NULL */
	void (*with)(void);	/* may be NULL */
} parts[] = {
	{ .name = "function", .without = measure_functions_without, .with = measure_functions },
	{ .name = "memory", .without = measure_memory_without, .with = measure_memory },
	{ .name = "arming", .with = measure_arming },
	{ .name = "peers", .without = measure_peers },
	{ .name = "workloads", .without = measure_workloads_without, .with = measure_workloads },
	{ .name = "growth", .with = measure_growth },
	{ .name = "cpus", .with = measure_cpus },
};

#define NR_PARTS (sizeof(parts) / sizeof(*parts))

static bool chosen[NR_PARTS];

static void choose_part(const char *name)
{
	size_t i;

	for (i = 0; i < NR_PARTS; i++) {
		if (!strcmp(parts[i].name, name)) {
			chosen[i] = true;
			return;
		}
	}
	check(-EINVAL, name);
}

static void choose_parts(void)
{
	const char *wanted = getenv("ERRPATH_BENCH") ?: "function";
	char text[256], *name, *save;

	snprintf(text, sizeof(text), "%s", wanted);
	for (name = strtok_r(text, ",", &save); name; name = strtok_r(NULL, ",", &save))
		choose_part(name);
}

/*
 * While allocations of this task fail, it must neither touch a page for the first time nor write
 * to a pipe. Lock what is mapped, with enough stack, and buffer all output.
 */
static void prepare_process(void)
{
	static char output[1 << 16];
	char stack[1 << 16];

	explicit_bzero(stack, sizeof(stack));
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	check(mlockall(MCL_CURRENT) ? -errno : 0, "mlockall");
}

int main(void)
{
	size_t i;

	prepare_process();
	choose_parts();
	check(module_load("errpath_alloc", ""), "insmod errpath_alloc");
	loops_open();
	check(module_unload("errpath"), "rmmod errpath");
	for (i = 0; i < NR_PARTS && !check_errors(); i++)
		if (chosen[i] && parts[i].without)
			parts[i].without();
	check(module_load("errpath", ""), "insmod errpath");
	for (i = 0; i < NR_PARTS && !check_errors(); i++)
		if (chosen[i] && parts[i].with)
			parts[i].with();
	return !!check_errors();
}
