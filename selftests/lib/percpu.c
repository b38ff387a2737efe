// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "percpu.h"

/* A tracepoint that each kernel has, and that fires only when an allocation fails. */
#define EVENT "events/percpu/percpu_alloc_percpu_fail/id"

/* Returns the number of the tracepoint, or -errno. */
static long event_id(void)
{
	char text[32];
	long err = file_read("/sys/kernel/tracing/" EVENT, text, sizeof(text));

	if (err == -ENOENT)
		err = file_read("/sys/kernel/debug/tracing/" EVENT, text, sizeof(text));
	return err < 0 ? err : strtol(text, NULL, 10);
}

/*
 * Opens and closes a perf event of a tracepoint. For the first such event the kernel allocates
 * four percpu buffers of 8 KiB, and when the last one is closed it frees them: eight pages are
 * free then, of which the kernel keeps four populated. Source: perf_trace_event_reg() in
 * kernel/trace/trace_event_perf.c and pcpu_balance_workfn() in mm/percpu.c. An x86 kernel with
 * the function tracer, which errpath needs, has both perf and tracepoints. While another process
 * has such an event open, this allocates nothing.
 */
int percpu_make_room(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.disabled = 1,
	};
	long id = event_id();
	int fd;

	if (id < 0)
		return id;
	attr.config = id;
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}
