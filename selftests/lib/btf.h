/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_BTF_H
#define LIB_BTF_H

#include <stddef.h>

/* A function of the kernel's image, as its type information describes it. */
struct btf_function {
	unsigned int id;
	unsigned int nr_args;
};

/*
 * Looks up @name in /sys/kernel/btf/vmlinux. Returns 0, -ENOENT (no such function),
 * -EPROTO (the file has a kind of type that this code does not know), or -errno.
 */
int btf_find_function(const char *name, struct btf_function *function);

/*
 * Finds the offsets in bytes of @nr members of the structure @name. Returns 0 or -errno, as
 * btf_find_function().
 */
int btf_find_members(const char *name, const char *const *members, size_t *offsets, int nr);

#endif
