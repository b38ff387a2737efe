// SPDX-License-Identifier: GPL-2.0
/* Probes, tracers and BPF programs that come to functions which errpath intercepts, and go. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "lib/knobs.h"
#include "lib/observer.h"
#include "loads.h"

#define TARGET "errpath_target"
#define ATTACHED_US 2000
/* A tracer that comes or goes holds a lock until each task has slept, for which modules wait. */
#define PAUSE_US 500000

/* A function of the point alloc in the kernel's image, by its names. */
static const char *allocator(void)
{
	return observer_lacks("fentry", "kmem_cache_alloc_noprof") ? "kmem_cache_alloc" :
	       "kmem_cache_alloc_noprof";
}

static int tracer_once(const char *name, const char *function)
{
	struct observation o;
	int err = observer_attach(&o, name, function);

	if (err == -ENOMEM)	/* the load of memory leaves none */
		return 0;
	if (err)
		return err;
	usleep(ATTACHED_US);
	return observer_detach(&o);
}

static int tracer_undo(void)
{
	observer_clean_up();
	return 0;
}

static const char *kprobe_unavailable(void)
{
	return observer_lacks("kprobe", TARGET);
}

static int kprobe_once(void)
{
	return tracer_once("kprobe", TARGET);
}

const struct load load_kprobe = {
	.name = "kprobe",
	.unavailable = kprobe_unavailable,
	.once = kprobe_once,
	.pause_us = PAUSE_US,
};

static const char *fprobe_unavailable(void)
{
	return observer_lacks("fprobe", TARGET);
}

static int fprobe_once(void)
{
	return tracer_once("fprobe_return", TARGET);
}

const struct load load_fprobe = {
	.name = "fprobe",
	.unavailable = fprobe_unavailable,
	.once = fprobe_once,
	.pause_us = PAUSE_US,
	.undo = tracer_undo,
};

static const char *function_graph_unavailable(void)
{
	return observer_lacks("function_graph", TARGET);
}

static int function_graph_once(void)
{
	return tracer_once("function_graph", TARGET);
}

const struct load load_function_graph = {
	.name = "function_graph",
	.unavailable = function_graph_unavailable,
	.once = function_graph_once,
	.pause_us = PAUSE_US,
	.undo = tracer_undo,
};

static const char *fentry_unavailable(void)
{
	return observer_lacks("fentry", allocator());
}

static int fentry_once(void)
{
	return tracer_once("fentry", allocator());
}

const struct load load_fentry = {
	.name = "fentry",
	.unavailable = fentry_unavailable,
	.once = fentry_once,
	.pause_us = PAUSE_US,
};
