/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_BPF_H
#define LIB_BPF_H

#include <stdbool.h>

/*
 * BPF through its system call, without a library. Functions that open something return a
 * descriptor or -errno.
 */

struct bpf_insn;

/*
 * Loads a program of @n instructions for kprobes, or one that does nothing; attaches it to a
 * function.
 */
int bpf_load_program_for_kprobe(const struct bpf_insn *program, unsigned int n);
int bpf_load_for_kprobe(void);
int bpf_attach_to_kprobe(int program, const char *function);
/*
 * Returns how many times the program ran, or -errno. The kernel counts that only with
 * kernel.bpf_stats_enabled.
 */
long bpf_runs(int program);

/* The calls of one process, as the program of a trampoline counted them. */
struct bpf_calls {
	unsigned long long made;
	unsigned long long zero;	/* calls that returned 0; of a program at the return */
	unsigned long long last;	/* the last return value */
};

/* Makes a map that holds one struct bpf_calls; reads it. */
int bpf_make_map(void);
int bpf_read_calls(int map, struct bpf_calls *calls);

/*
 * Loads a program for the entry (fentry) or the return (fexit) of the function @name of the
 * kernel's image. It counts the calls of this process in @map.
 */
int bpf_load_for_function(const char *name, bool at_return, int map);
/* Attaches the program. Returns a link: closing it detaches the program. */
int bpf_attach_to_function(int program);

#endif
