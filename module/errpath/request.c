// SPDX-License-Identifier: GPL-2.0
/*
 * Filters by the request to an allocator: its gfp flags and size. Both are in the call's
 * arguments, so these filters are cheaper than those that need the stack.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kstrtox.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/trace_events.h>
#include <trace/events/mmflags.h>

#include "../common/intercept.h"
#include "request.h"

static const struct trace_print_flags gfp_names[] = { __def_gfpflag_names };

/**
 * request_filter_init() - set the filter to its default: every request passes
 * @filter: the filter
 */
void request_filter_init(struct request_filter *filter)
{
	*filter = (struct request_filter) {
		.max_order = BITS_PER_LONG,
		.max_size = ULONG_MAX,
	};
}

static unsigned long request_bytes(const struct request_args *args, struct arch_regs *regs)
{
	unsigned long value = intercept_arg(regs, args->size);

	switch (args->unit) {
	case REQUEST_PAGES:
		return value << PAGE_SHIFT;
	case REQUEST_PFNS:
		return (intercept_arg(regs, args->count) - value) << PAGE_SHIFT;
	case REQUEST_ORDER:
		return PAGE_SIZE << (value & (BITS_PER_LONG - 1));
	case REQUEST_CACHE:
		return kmem_cache_size((struct kmem_cache *)value);
	case REQUEST_OBJECTS:
		return kmem_cache_size((struct kmem_cache *)value) *
		       intercept_arg(regs, args->count);
	case REQUEST_BYTES:
	case REQUEST_KMALLOC:
		return value;
	default:
		return 0;
	}
}

/* Return the slab cache of the request; NULL: it is none of one cache, or not known which. */
static const struct kmem_cache *request_cache(const struct request_args *args,
					      struct arch_regs *regs)
{
	switch (args->unit) {
	case REQUEST_CACHE:
	case REQUEST_OBJECTS:
		return (const struct kmem_cache *)intercept_arg(regs, args->size);
	case REQUEST_KMALLOC:
		return (const struct kmem_cache *)intercept_arg(regs, 0);
	default:
		return NULL;
	}
}

static bool request_size_matches(const struct request_filter *filter,
				 const struct request_args *args, struct arch_regs *regs)
{
	unsigned long bytes = request_bytes(args, regs);
	unsigned long order = bytes > PAGE_SIZE ? get_order(bytes) : 0;

	return filter->min_order <= order && order <= filter->max_order &&
	       filter->min_size <= bytes && bytes <= filter->max_size;
}

/**
 * request_weight() - return what a call subtracts from the knob space
 * @args: arguments of the function
 * @regs: the registers at the function's entry
 *
 * Like failslab and fail_page_alloc, that is the size in bytes; 1 for a function that is
 * not an allocator or whose size is not known before the call.
 *
 * Context: any.
 */
int request_weight(const struct request_args *args, struct arch_regs *regs)
{
	unsigned long bytes = args->unit ? request_bytes(args, regs) : 0;

	return clamp_t(unsigned long, bytes, 1, INT_MAX);
}

/**
 * request_matches() - test whether a request passes the filter
 * @filter: the filter
 * @args: arguments of the function
 * @regs: the registers at the function's entry
 *
 * A request with __GFP_NOFAIL never does: its caller does not check the result.
 *
 * Context: any.
 */
bool request_matches(const struct request_filter *filter, const struct request_args *args,
		     struct arch_regs *regs)
{
	unsigned long gfp = (u32)intercept_arg(regs, args->gfp);
	const struct kmem_cache *cache = READ_ONCE(filter->cache);

	if (cache && request_cache(args, regs) != cache)
		return false;
	if (gfp & (filter->gfp_reject | (__force unsigned long)__GFP_NOFAIL))
		return false;
	if ((gfp & filter->gfp_require) != filter->gfp_require)
		return false;
	return request_size_matches(filter, args, regs);
}

/**
 * request_read() - read the request of a call
 * @args: arguments of the function
 * @regs: the registers at the function's entry
 * @seen: set to the request
 *
 * Context: any.
 */
void request_read(const struct request_args *args, struct arch_regs *regs,
		  struct request_seen *seen)
{
	*seen = (struct request_seen) { .is_known = args->unit };
	if (!seen->is_known)
		return;
	seen->bytes = request_bytes(args, regs);
	seen->gfp = (__force gfp_t)intercept_arg(regs, args->gfp);
	seen->in_interrupt = !in_task();
	seen->by_memalloc = in_task() && current->flags & PF_MEMALLOC;
}

/**
 * request_show() - print a request as FLAGS,BYTES, with words for its context behind them
 * @seen: the request
 * @seq: file to print to; gets "-" if the function is not an allocator
 */
void request_show(const struct request_seen *seen, struct seq_file *seq)
{
	if (!seen->is_known) {
		seq_putc(seq, '-');
		return;
	}
	if (seen->gfp)
		seq_printf(seq, "%pGg", &seen->gfp);
	else
		seq_putc(seq, '0');
	seq_printf(seq, ",%lu%s%s", seen->bytes, seen->in_interrupt ? ",interrupt" : "",
		   seen->by_memalloc ? ",memalloc" : "");
}

static int gfp_parse_flag(const char *name, unsigned long *flags)
{
	unsigned long value;
	int i;

	for (i = 0; i < ARRAY_SIZE(gfp_names); i++) {
		/* In some kernels the last row is empty. */
		if (!gfp_names[i].name || strcmp(gfp_names[i].name, name))
			continue;
		*flags |= gfp_names[i].mask;
		return 0;
	}
	if (!isdigit(*name) || kstrtoul(name, 0, &value) || value > U32_MAX)
		return -EINVAL;
	*flags |= value;
	return 0;
}

/**
 * request_parse_gfp() - parse gfp flags
 * @text: names as the kernel prints them (GFP_KERNEL|__GFP_ZERO), or a number; consumed
 * @flags: set to all of the flags
 *
 * Return: 0, or -EINVAL with @flags unchanged.
 */
int request_parse_gfp(char *text, unsigned long *flags)
{
	unsigned long sum = 0;
	char *word;

	while ((word = strsep(&text, "|")))
		if (gfp_parse_flag(strim(word), &sum))
			return -EINVAL;
	*flags = sum;
	return 0;
}
