// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf.h"
#include "btf.h"
#include "file.h"
#include "observer.h"
#include "perf.h"

#define TRACING "/sys/kernel/tracing"
#define EVENT "errpath_observer/watch"
#define ENOTSUPP 524	/* an errno that only the kernel defines */

struct observer {
	const char *name;
	const char *(*lacks)(const char *function);
	int (*attach)(struct observation *o);
	int (*read)(const struct observation *o, struct observed *seen);
	int (*detach)(struct observation *o);
};

/* Writes to a file of tracefs. @flags: O_TRUNC, as > of a shell, or O_APPEND, as >>. */
static int tracing_write(const char *file, int flags, const char *text)
{
	char path[256];
	int fd, err = 0;

	snprintf(path, sizeof(path), TRACING "/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	if (fd < 0)
		return -errno;
	if (*text && write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static bool tracing_has(const char *file, const char *word)
{
	static char text[65536];
	char path[256];

	snprintf(path, sizeof(path), TRACING "/%s", file);
	return file_read(path, text, sizeof(text)) > 0 && strstr(text, word);
}

/* Probes, by perf. */

static const char *kprobe_lacks(const char *function)
{
	(void)function;
	return access("/sys/bus/event_source/devices/kprobe", F_OK) ?
	       "this kernel has no CONFIG_KPROBE_EVENTS or no CONFIG_PERF_EVENTS" : NULL;
}

static int kprobe_attach(struct observation *o)
{
	o->fd = perf_open_probe(o->function, false, 0);
	return o->fd < 0 ? o->fd : 0;
}

static int kretprobe_attach(struct observation *o)
{
	o->fd = perf_open_probe(o->function, true, 0);
	return o->fd < 0 ? o->fd : 0;
}

static int perf_read(const struct observation *o, struct observed *seen)
{
	seen->calls = perf_count(o->fd);
	seen->zero = -1;
	return seen->calls < 0 ? seen->calls : 0;
}

static int perf_detach(struct observation *o)
{
	return close(o->fd) ? -errno : 0;
}

/* Events of fprobes, made in tracefs and counted by perf. */

static const char *fprobe_lacks(const char *function)
{
	(void)function;
	return tracing_has("README", "<func-name>[%return]") ? NULL :
	       "this kernel has no CONFIG_FPROBE_EVENTS";
}

static int fprobe_remove(void)
{
	return tracing_write("dynamic_events", O_APPEND, "-:" EVENT);
}

static int fprobe_add(struct observation *o, const char *where)
{
	char event[256];
	int err;

	snprintf(event, sizeof(event), "f:" EVENT " %s%s", o->function, where);
	err = tracing_write("dynamic_events", O_APPEND, event);
	if (err)
		return err;
	o->fd = perf_open_event(EVENT, 0);
	if (o->fd >= 0)
		return 0;
	fprobe_remove();
	return o->fd;
}

static int fprobe_attach(struct observation *o)
{
	return fprobe_add(o, "");
}

static int fprobe_return_attach(struct observation *o)
{
	return fprobe_add(o, "%return");
}

static int fprobe_detach(struct observation *o)
{
	int err = perf_detach(o);

	return err ?: fprobe_remove();
}

/* The function graph tracer. */

static const char *graph_lacks(const char *function)
{
	(void)function;
	return tracing_has("available_tracers", "function_graph") ? NULL :
	       "this kernel has no CONFIG_FUNCTION_GRAPH_TRACER";
}

/* @o: NULL if graph_attach() failed. */
static int graph_detach(struct observation *o)
{
	int err = tracing_write("current_tracer", 0, "nop");

	if (o)
		close(o->fd);
	if (err)
		return err;
	err = tracing_write("tracing_on", 0, "1");
	if (err)
		return err;
	err = tracing_write("set_ftrace_filter", O_TRUNC, "");
	return err ?: tracing_write("set_ftrace_pid", O_TRUNC, "");
}

static int graph_start(const char *function)
{
	char pid[16];
	int err;

	snprintf(pid, sizeof(pid), "%d", getpid());
	err = tracing_write("set_ftrace_pid", O_TRUNC, pid);
	if (err)
		return err;
	err = tracing_write("set_ftrace_filter", O_TRUNC, function);
	return err ?: tracing_write("current_tracer", 0, "function_graph");
}

static int graph_attach(struct observation *o)
{
	int err = graph_start(o->function);

	if (!err) {
		o->fd = open(TRACING "/tracing_on", O_WRONLY | O_CLOEXEC);
		err = o->fd < 0 ? -errno : 0;
	}
	if (err)
		graph_detach(NULL);
	return err;
}

/* The line of a call has the name of the function; a line with a closing brace is its end. */
static bool graph_is_call(const char *line, const char *function)
{
	const char *at = strstr(line, function);

	return at && at > line && at[-1] == ' ' && strchr("( ", at[strlen(function)]) &&
	       !strchr(line, '}');
}

static long graph_count(const char *function)
{
	FILE *trace = fopen(TRACING "/trace", "re");
	char line[512];
	long calls = 0;

	if (!trace)
		return -errno;
	while (fgets(line, sizeof(line), trace))
		calls += graph_is_call(line, function);
	fclose(trace);
	return calls;
}

/* Switch tracing off meanwhile: reading the trace may call the function, too. */
static int graph_read(const struct observation *o, struct observed *seen)
{
	if (write(o->fd, "0", 1) != 1)
		return -errno;
	*seen = (struct observed) { .calls = graph_count(o->function), .zero = -1 };
	if (seen->calls < 0)
		return seen->calls;
	return write(o->fd, "1", 1) == 1 ? 0 : -errno;
}

/* BPF programs on a trampoline: only for functions that are in the BTF of the kernel. */

static int trampoline_attach(struct observation *o, bool at_return)
{
	o->map = bpf_make_map();
	if (o->map < 0)
		return o->map;
	o->program = bpf_load_for_function(o->function, at_return, o->map);
	if (o->program < 0) {
		close(o->map);
		return o->program;
	}
	o->fd = bpf_attach_to_function(o->program);
	if (o->fd >= 0)
		return 0;
	close(o->program);
	close(o->map);
	return o->fd;
}

static int fentry_attach(struct observation *o)
{
	return trampoline_attach(o, false);
}

static int fexit_attach(struct observation *o)
{
	return trampoline_attach(o, true);
}

static int fentry_read(const struct observation *o, struct observed *seen)
{
	struct bpf_calls calls;
	int err = bpf_read_calls(o->map, &calls);

	if (!err)
		*seen = (struct observed) { .calls = calls.made, .zero = -1 };
	return err;
}

static int fexit_read(const struct observation *o, struct observed *seen)
{
	struct bpf_calls calls;
	int err = bpf_read_calls(o->map, &calls);

	if (err)
		return err;
	*seen = (struct observed) { .calls = calls.made, .zero = calls.zero };
	printf("# fexit: %llu calls, %llu returned 0, the last one %#llx\n", calls.made,
	       calls.zero, calls.last);
	return 0;
}

static int trampoline_detach(struct observation *o)
{
	int err = close(o->fd) ? -errno : 0;

	close(o->program);
	close(o->map);
	return err;
}

static const char *trampoline_lacks(const char *function)
{
	struct observation o = { .function = function };
	static char why[128];
	struct btf_function found;
	int map, err;

	if (access("/sys/kernel/btf/vmlinux", F_OK))
		return "this kernel has no CONFIG_DEBUG_INFO_BTF";
	map = bpf_make_map();
	if (map < 0)
		return "this kernel has no CONFIG_BPF_SYSCALL";
	close(map);
	if (btf_find_function(function, &found) == -ENOENT) {
		snprintf(why, sizeof(why), "%s() is not in the kernel's BTF", function);
		return why;
	}
	err = trampoline_attach(&o, false);
	if (!err)
		trampoline_detach(&o);
	/* Before 6.4, arm64 has no CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS. */
	return err == -ENOTSUPP ? "the kernel attaches no BPF trampoline to functions" : NULL;
}

static const struct observer observers[] = {
	{
		.name = "kprobe",
		.lacks = kprobe_lacks,
		.attach = kprobe_attach,
		.read = perf_read,
		.detach = perf_detach,
	},
	{
		.name = "kretprobe",
		.lacks = kprobe_lacks,
		.attach = kretprobe_attach,
		.read = perf_read,
		.detach = perf_detach,
	},
	{
		.name = "fprobe",
		.lacks = fprobe_lacks,
		.attach = fprobe_attach,
		.read = perf_read,
		.detach = fprobe_detach,
	},
	{
		.name = "fprobe_return",
		.lacks = fprobe_lacks,
		.attach = fprobe_return_attach,
		.read = perf_read,
		.detach = fprobe_detach,
	},
	{
		.name = "function_graph",
		.lacks = graph_lacks,
		.attach = graph_attach,
		.read = graph_read,
		.detach = graph_detach,
	},
	{
		.name = "fentry",
		.lacks = trampoline_lacks,
		.attach = fentry_attach,
		.read = fentry_read,
		.detach = trampoline_detach,
	},
	{
		.name = "fexit",
		.lacks = trampoline_lacks,
		.attach = fexit_attach,
		.read = fexit_read,
		.detach = trampoline_detach,
	},
};

static const struct observer *observer_find(const char *name)
{
	for (size_t i = 0; i < sizeof(observers) / sizeof(*observers); i++) {
		if (!strcmp(observers[i].name, name))
			return &observers[i];
	}
	return NULL;
}

const char *observer_lacks(const char *name, const char *function)
{
	const struct observer *by = observer_find(name);

	return by ? by->lacks(function) : NULL;
}

int observer_attach(struct observation *o, const char *name, const char *function)
{
	const struct observer *by = observer_find(name);
	int err;

	if (!by)
		return -EINVAL;
	*o = (struct observation) { .function = function };
	err = by->attach(o);
	if (!err)
		o->by = by;
	return err;
}

int observer_read(const struct observation *o, struct observed *seen)
{
	return o->by->read(o, seen);
}

int observer_detach(struct observation *o)
{
	int err = o->by->detach(o);

	o->by = NULL;
	return err;
}

void observer_clean_up(void)
{
	fprobe_remove();
	graph_detach(NULL);
}
