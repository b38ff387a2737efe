/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_CALLERS_H
#define ERRPATH_CALLERS_H

#include <linux/hash.h>
#include <linux/types.h>

#define CALLERS_TEXT_SIZE	512
#define CALLERS_MAX_NAMES	128
#define CALLERS_CACHE_BITS	11
#define CALLERS_CONTEXTS	4	/* of interrupt_context_level() */

/* What the function of a stack frame is to a point. */
#define FRAME_CALLER	1	/* named in the knob caller */
#define FRAME_ABOVE	2	/* named there as stack:NAME */
#define FRAME_WRAPPER	4	/* calls on behalf of its caller */
#define FRAME_SKIP	8	/* nothing fails below it */
#define FRAME_ROLES	15

/**
 * struct callers_lists - lists of functions as text, separated by blanks or commas
 * @caller: the knob caller: NAME (the direct caller) or stack:NAME (anywhere above)
 * @skip: the knob skip
 * @wrappers: functions that call on behalf of others, or NULL
 * @nested: more of @skip; up to a NULL, or NULL
 */
struct callers_lists {
	const char *caller;
	const char *skip;
	const char *wrappers;
	const char * const *nested;
};

/* One name of a list. */
struct callers_name {
	const char *module;	/* NULL: in the kernel or any module */
	const char *name;
	unsigned int role;
};

/**
 * struct callers - the functions that a call must, or must not, come from
 * @caller_text: the knob caller, as written
 * @skip_text: the knob skip, as written
 * @roles: of all names together
 * @nr: how many of @names are in use
 * @names: all lists, parsed
 * @words: what they point to
 * @cache: roles of return addresses: address << 4 | roles; 0: free
 *
 * Only names are kept, and each return address is looked up once, when it is first
 * seen. So clones and cold parts (.isra, .constprop, .part, .cold, .llvm) belong to
 * their function, all functions of one name are it, and names in modules that come
 * and go need no more than callers_forget().
 *
 * Apart from @cache it never changes: it is replaced as a whole, under RCU.
 */
struct callers {
	char caller_text[CALLERS_TEXT_SIZE];
	char skip_text[CALLERS_TEXT_SIZE];
	unsigned int roles;
	unsigned int nr;
	struct callers_name names[CALLERS_MAX_NAMES];
	char *words;
	u64 cache[1 << CALLERS_CACHE_BITS];
};

struct callers *callers_create(const struct callers_lists *lists);
void callers_free(struct callers *callers);
int callers_check(const char *text, bool with_stack);
int callers_any_exists(const char *text);
void callers_forget(struct callers *callers);
unsigned int callers_resolve(struct callers *callers, unsigned long addr);

/* Any caller will do. */
static __always_inline bool callers_match_any(const struct callers *callers)
{
	return !(callers->roles & (FRAME_CALLER | FRAME_ABOVE));
}

/* Is @addr in the cache? Then @roles is set. Any context. */
static __always_inline bool callers_lookup(const struct callers *callers, unsigned long addr,
					   unsigned int *roles)
{
	/* The four bits that are shifted out are the same for all kernel text. */
	u64 found = READ_ONCE(callers->cache[hash_long(addr, CALLERS_CACHE_BITS)]) ^
		    ((u64)addr << 4);

	*roles = found;
	return likely(found <= FRAME_ROLES);
}

/*
 * The roles of the function that @addr, a return address, is in. Any context, but
 * preemption is off, and one at a time in each context of a CPU: see callers_resolve().
 */
static __always_inline unsigned int callers_roles(struct callers *callers, unsigned long addr)
{
	unsigned int roles;

	return callers_lookup(callers, addr, &roles) ? roles : callers_resolve(callers, addr);
}

#endif /* ERRPATH_CALLERS_H */
