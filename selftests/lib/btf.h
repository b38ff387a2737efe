/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_BTF_H
#define LIB_BTF_H

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

#endif
