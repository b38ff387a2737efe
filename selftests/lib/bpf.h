/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_BPF_H
#define LIB_BPF_H

#include <stdbool.h>

/* BPF by its system call alone. What opens something returns a descriptor or -errno. */

/* A program for kprobes that does nothing, and the probe that runs it. */
int bpf_load_for_kprobe(void);
int bpf_attach_to_kprobe(int program, const char *function);
/* How often the program ran, with kernel.bpf_stats_enabled; or -errno. */
long bpf_runs(int program);

/* What a trampoline's program counted of the calls that one process made. */
struct bpf_calls {
	unsigned long long made;
	unsigned long long zero;	/* returned 0, of a program at the return */
	unsigned long long last;	/* what the last one returned */
};

/* A map that holds one struct bpf_calls. */
int bpf_make_map(void);
int bpf_read_calls(int map, struct bpf_calls *calls);

/*
 * A program for the entry (fentry) or the return (fexit) of the function @name of the
 * kernel's image, that counts the calls of this process in @map.
 */
int bpf_load_for_function(const char *name, bool at_return, int map);
/* The link that runs it; its close detaches. */
int bpf_attach_to_function(int program);

#endif
