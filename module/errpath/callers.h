/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_CALLERS_H
#define ERRPATH_CALLERS_H

#include <linux/hash.h>
#include <linux/types.h>

#include "scope.h"

#define CALLERS_TEXT_SIZE	512
#define CALLERS_MAX_NAMES	128
#define CALLERS_CACHE_BITS	11
#define CALLERS_CONTEXTS	4	/* values of interrupt_context_level() */

/* Roles of a function on the stack. */
#define FRAME_CALLER	1	/* NAME in the knob caller */
#define FRAME_ABOVE	2	/* stack:NAME in the knob caller */
#define FRAME_WRAPPER	4	/* calls on behalf of its caller */
#define FRAME_SKIP	8	/* no call below it fails */
#define FRAME_ROLES	15

/**
 * struct callers_lists - lists of functions as text, separated by blanks or commas
 * @caller: the knob caller: NAME (the direct caller) or stack:NAME (anywhere above)
 * @skip: the knob skip
 * @wrappers: functions that call on behalf of their caller; or NULL
 * @nested: additional functions to skip, ends with a NULL; or NULL
 */
struct callers_lists {
	const char *caller;
	const char *skip;
	const char *wrappers;
	const char * const *nested;
};

/* A function of a list. */
struct callers_name {
	const char *module;	/* NULL: in the kernel or any module */
	const char *name;
	unsigned int role;
};

/**
 * struct callers - parsed lists of functions
 * @caller_text: the knob caller, as it was written
 * @skip_text: the knob skip, as it was written
 * @roles: the roles of all names together
 * @nr: number of used @names
 * @names: the functions of all lists
 * @words: memory that @names point into
 * @scope: marks the tasks inside a function named by stack:; NULL: the point is disarmed, or
 *	there is no such name
 * @cache: hash table of the roles of return addresses: address << 4 | roles; 0: unused
 *
 * The lists keep names, not addresses. Each return address is looked up when it is first
 * seen. So a name matches clones and cold parts of the function (.isra, .constprop,
 * .part, .cold, .llvm) and all functions with that name; and when a module is loaded,
 * callers_forget() is enough.
 *
 * Only @scope and @cache change: the object is replaced as a whole, under RCU.
 */
struct callers {
	char caller_text[CALLERS_TEXT_SIZE];
	char skip_text[CALLERS_TEXT_SIZE];
	unsigned int roles;
	unsigned int nr;
	struct callers_name names[CALLERS_MAX_NAMES];
	char *words;
	struct scope *scope;
	u64 cache[1 << CALLERS_CACHE_BITS];
};

struct callers *callers_create(const struct callers_lists *lists);
void callers_free(struct callers *callers);
int callers_check(const char *text, bool with_stack);
int callers_any_exists(const char *text);
void callers_forget(struct callers *callers);
int callers_open_scope(struct callers *callers);
void callers_close_scope(struct callers *callers);
void callers_module_coming(struct callers *callers);
bool callers_name_selects(const char *module, const char *name, unsigned long addr, char *text);
unsigned int callers_resolve(struct callers *callers, unsigned long addr);

/* Test whether the knob caller is empty. */
static __always_inline bool callers_match_any(const struct callers *callers)
{
	return !(callers->roles & (FRAME_CALLER | FRAME_ABOVE));
}

/* Get the roles of a return address from the cache. False: it is not cached. Any context. */
static __always_inline bool callers_lookup(const struct callers *callers, unsigned long addr,
					   unsigned int *roles)
{
	/* All kernel text has the same upper four bits: shifting them out loses nothing. */
	u64 found = READ_ONCE(callers->cache[hash_long(addr, CALLERS_CACHE_BITS)]) ^
		    ((u64)addr << 4);

	*roles = found;
	return likely(found <= FRAME_ROLES);
}

/*
 * Get the roles of the function that a return address belongs to. Context: see
 * callers_resolve().
 */
static __always_inline unsigned int callers_roles(struct callers *callers, unsigned long addr)
{
	unsigned int roles;

	return callers_lookup(callers, addr, &roles) ? roles : callers_resolve(callers, addr);
}

#endif /* ERRPATH_CALLERS_H */
