/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_SCOPE_H
#define ERRPATH_SCOPE_H

#include <linux/hash.h>
#include <linux/kprobes.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "../common/compat.h"

struct module;

#define SCOPE_MAX_FUNCTIONS	64
#define SCOPE_CLEAN_BITS	10

/**
 * struct scope_probe - marks the calls of one function
 * @call: has no handler, but puts each call on a list of its task
 * @breakpoint: of a function that is not traceable: keeps @call from being jump-optimised.
 *	While a removed kprobe waits for the end of its optimisation, the kernel warns if one
 *	is registered that is disabled, as scouts of errpath are
 */
struct scope_probe {
	struct kretprobe call;
	struct kprobe breakpoint;
};

/**
 * struct scope - marks the tasks that are inside one of some functions
 * @nr: used entries of @owner and @probe
 * @partial: a function has no kretprobe, so no mark does not mean that no task is in it
 * @owner: what the marks of each function have in common; NULL: its module was unloaded
 * @probe: the probes; NULL: its module was unloaded
 * @clean: hash table of tasks whose stack was walked and had none of the functions
 *
 * A kretprobe without a handler puts each call of its function on a list of the task. So
 * the question whether the task is inside the function needs no walk of the stack. A call
 * that began before the kretprobe was registered, or that it missed, has no mark: the
 * first time, and again after a missed call, the stack of a task is walked. If it has none
 * of the functions, it can have one later only with a mark.
 */
struct scope {
	unsigned int nr;
	bool partial;
	const void *owner[SCOPE_MAX_FUNCTIONS];
	struct scope_probe *probe[SCOPE_MAX_FUNCTIONS];
	u64 clean[1 << SCOPE_CLEAN_BITS];
};

struct scope *scope_create(void);
void scope_free(struct scope *scope);
int scope_add(struct scope *scope, const char *module, const char *name);
void scope_drop_module(struct scope *scope, const struct module *module);
bool scope_is_live(const struct scope *scope);

/*
 * Test whether current is inside one of the functions by its marks. A function is not inside
 * itself: @frame is where the intercepted call stores its return address. Any context.
 */
static __always_inline bool scope_is_marked(const struct scope *scope, unsigned long frame)
{
	const struct llist_node *call = compat_kretprobe_first();
	unsigned int i;

	for (; unlikely(call); call = compat_kretprobe_next(call)) {
		if (compat_kretprobe_frame(call) == frame)
			continue;
		for (i = 0; i < READ_ONCE(scope->nr); i++)
			if (READ_ONCE(scope->owner[i]) == compat_kretprobe_owner(call))
				return true;
	}
	return false;
}

/*
 * Return what @clean has for current if its stack was walked after the last missed call. A
 * task_struct is aligned to 64 bytes, and the upper 8 bits of its address are all set. If
 * another task gets the address of a task that exited, it starts without any of the
 * functions on its stack.
 */
static __always_inline u64 scope_clean_entry(const struct scope *scope)
{
	unsigned long missed = 0;
	unsigned int i;

	for (i = 0; i < READ_ONCE(scope->nr); i++) {
		const struct scope_probe *probe = READ_ONCE(scope->probe[i]);

		if (probe)
			missed += READ_ONCE(probe->call.nmissed) +
				  READ_ONCE(probe->call.kp.nmissed);
	}
	return (u64)(unsigned long)current << 8 | (missed & 0x3fff);
}

static __always_inline bool scope_is_clean(const struct scope *scope)
{
	unsigned int slot = hash_ptr(current, SCOPE_CLEAN_BITS);

	return !READ_ONCE(scope->partial) &&
	       READ_ONCE(scope->clean[slot]) == scope_clean_entry(scope);
}

/* Test whether current is certainly inside none of the functions. As scope_is_marked(). */
static __always_inline bool scope_is_outside(const struct scope *scope, unsigned long frame)
{
	return !scope_is_marked(scope, frame) && scope_is_clean(scope);
}

/* Record that the stack of current has none of the functions; @entry is from before the walk. */
static __always_inline void scope_set_clean(struct scope *scope, u64 entry)
{
	WRITE_ONCE(scope->clean[hash_ptr(current, SCOPE_CLEAN_BITS)], entry);
}

#endif /* ERRPATH_SCOPE_H */
