// SPDX-License-Identifier: GPL-2.0
/*
 * What a call of an allocator asks for: gfp flags and size. All of it is in the
 * call's arguments, so this is cheaper than anything that looks at the stack.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kstrtox.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/trace_events.h>
#include <trace/events/mmflags.h>

#include "../common/intercept.h"
#include "request.h"

static const struct trace_print_flags gfp_names[] = { __def_gfpflag_names };

/**
 * request_filter_init() - back to the defaults: every request passes
 * @filter: the filter
 */
void request_filter_init(struct request_filter *filter)
{
	*filter = (struct request_filter) {
		.max_order = BITS_PER_LONG,
		.max_size = ULONG_MAX,
	};
}

static unsigned long bytes_of(const struct request_args *args, struct pt_regs *regs)
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
		return value;
	default:
		return 0;
	}
}

static bool size_matches(const struct request_filter *filter, const struct request_args *args,
			 struct pt_regs *regs)
{
	unsigned long bytes = bytes_of(args, regs);
	unsigned long order = bytes > PAGE_SIZE ? get_order(bytes) : 0;

	return filter->min_order <= order && order <= filter->max_order &&
	       filter->min_size <= bytes && bytes <= filter->max_size;
}

/**
 * request_weight() - what a call takes off the knob space
 * @args: of the function
 * @regs: the function's registers at its entry
 *
 * As failslab and fail_page_alloc: the size in bytes; 1 for a function that is no
 * allocator or whose size is not known before the call.
 *
 * Context: any.
 */
int request_weight(const struct request_args *args, struct pt_regs *regs)
{
	unsigned long bytes = args->unit ? bytes_of(args, regs) : 0;

	return clamp_t(unsigned long, bytes, 1, INT_MAX);
}

/**
 * request_matches() - does the filter select this request
 * @filter: the filter
 * @args: of the function
 * @regs: the function's registers at its entry
 *
 * Callers that pass __GFP_NOFAIL do not check the result: never.
 *
 * Context: any.
 */
bool request_matches(const struct request_filter *filter, const struct request_args *args,
		     struct pt_regs *regs)
{
	unsigned long gfp = (u32)intercept_arg(regs, args->gfp);

	if (gfp & (filter->gfp_reject | (__force unsigned long)__GFP_NOFAIL))
		return false;
	if ((gfp & filter->gfp_require) != filter->gfp_require)
		return false;
	return size_matches(filter, args, regs);
}

static int parse_flag(const char *name, unsigned long *flags)
{
	unsigned long value;
	int i;

	for (i = 0; i < ARRAY_SIZE(gfp_names); i++) {
		/* Some kernels end the list with an empty row. */
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
 * request_parse_gfp() - gfp flags from their names or a number
 * @text: as GFP_KERNEL|__GFP_ZERO, the way the kernel prints them; is consumed
 * @flags: all of them
 *
 * Return: 0 or, with @flags as it was, -EINVAL.
 */
int request_parse_gfp(char *text, unsigned long *flags)
{
	unsigned long sum = 0;
	char *word;

	while ((word = strsep(&text, "|")))
		if (parse_flag(strim(word), &sum))
			return -EINVAL;
	*flags = sum;
	return 0;
}
