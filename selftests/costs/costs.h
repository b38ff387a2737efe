/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COSTS_COSTS_H
#define COSTS_COSTS_H

#include <stdbool.h>
#include <sys/types.h>

/* A function of the kernel that is on no stack during the measurements. */
#define ELSEWHERE "sparse_add_section"

/*
 * Prints "bench SUBJECT INJECTOR CASE COUNT". The output is buffered until the program ends, as
 * a task whose allocations fail cannot write to a pipe.
 */
void report(const char *subject, const char *injector, const char *name, long long count);

/* Prints and counts an error; returns @err. A program with errors fails. */
int check(int err, const char *what);
int check_errors(void);

/* The time in ns. The guest's clock advances by a nanosecond for each instruction. */
long long now_ns(void);

/* Creates a process that only waits, and ends with this one. Returns its pid. */
pid_t process_start(void);
/* Ends a process of process_start(). */
void process_end(pid_t pid);
/* Returns a process of process_start(), the same one each time: the other task of a case. */
pid_t other_task(void);

/* Loops in the kernel, which make calls with nothing between them. */
enum loop {
	LOOP_FTRACE,
	LOOP_KPROBE,
	LOOP_KMALLOC,
	LOOP_PAGE,
	NR_LOOPS,
	WORKLOADS = NR_LOOPS,	/* for loop_report(): all workloads, which are no loops */
};

/* Opens the files of all loops, so that nothing is allocated while calls fail. */
void loops_open(void);
/* Measures and returns the instructions of one call. @fails: all calls must fail, or none. */
long long loop_measure(enum loop loop, bool fails);
/* Measures and reports the loop, or all workloads. */
void loop_report(enum loop loop, const char *injector, const char *name, bool fails);

/* Sets the point up to fail every call of the process @tasks, and arms it. Returns 0 or -errno. */
int point_arm(const char *point, const char *tasks, const char *caller);
/* The same for other_task(). */
int point_arm_other(const char *point);

/* The mean time in ns in which the point alloc, with all its functions, is armed and disarmed. */
struct arming {
	long long arm;
	long long disarm;
};

struct arming arming_mean(void);

/*
 * The parts of the program. measure_peers() and *_without() are called while errpath.ko is not
 * loaded, the others afterwards, with errpath.ko loaded and all points disarmed.
 */
void measure_functions_without(void);
void measure_functions(void);
void measure_memory_without(void);
void measure_memory(void);
void measure_arming(void);
void measure_peers(void);
void measure_workloads_without(void);
void measure_workloads(void);
void measure_growth(void);
void measure_cpus(void);

/* The workloads with the kernel's own fault injection. */
void peers_workloads(void);
void workloads_report(const char *injector, const char *name);

/* A function that the kernel's own fault injection can fail, marked ALLOW_ERROR_INJECTION. */
struct failing {
	const char *name;	/* NULL: no function */
	int result;		/* what it returns to fail */
};

#define MOST_FAILING 2

/* Measures all cases with BPF programs that fail MOST_FAILING functions. */
void bpf_measure(enum loop loop, const struct failing *functions);

#endif
