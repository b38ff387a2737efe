// SPDX-License-Identifier: GPL-2.0
/* The costs of a BPF program that fails a function by bpf_override_return(). */
#include <asm/ptrace.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "costs.h"

#include "lib/bpf.h"
#include "lib/bpf_insn.h"
#include "lib/symbols.h"

#define DEPTH 32	/* frames of the stack, as errpath and fail_function compare */
#define MOST 160	/* instructions */

/* What a call must match, besides the task. */
enum filter { FILTER_NONE, FILTER_CALLER, FILTER_STACK };

/* A program, as far as it is written. */
struct program {
	struct bpf_insn insn[MOST];
	unsigned int n;
};

static void add(struct program *p, const struct bpf_insn *insn, unsigned int n)
{
	while (n--)
		p->insn[p->n++] = *insn++;
}

#define ADD(_program, ...)							\
	do {									\
		const struct bpf_insn insn[] = { __VA_ARGS__ };			\
										\
		add(_program, insn, sizeof(insn) / sizeof(*insn));		\
	} while (0)

/* "if (current->tgid != pid) return 0;" */
static void add_task(struct program *p, int pid)
{
	ADD(p, CALL(BPF_FUNC_get_current_pid_tgid),
	    RSH_IMM(BPF_REG_0, 32),
	    JUMP_IF(BPF_JEQ, BPF_REG_0, pid, 2),
	    MOV_IMM(BPF_REG_0, 0),
	    EXIT());
}

/* The range of ELSEWHERE, in r7 and r8. */
static int add_range(struct program *p)
{
	unsigned long start, end;
	int err = symbol_find_text(ELSEWHERE, &start, &end);

	ADD(p, LOAD_NUMBER(BPF_REG_7, start), LOAD_NUMBER_UPPER(start),
	    LOAD_NUMBER(BPF_REG_8, end), LOAD_NUMBER_UPPER(end));
	return err;
}

/* Load the return address of the call to register 2. */
static void add_return_address(struct program *p)
{
#ifdef __x86_64__
	ADD(p, MOV(BPF_REG_1, BPF_REG_10),
	    ADD_IMM(BPF_REG_1, -8),
	    MOV_IMM(BPF_REG_2, 8),
	    LOAD(BPF_REG_3, BPF_REG_6, offsetof(struct pt_regs, rsp)),
	    CALL(BPF_FUNC_probe_read_kernel),
	    LOAD(BPF_REG_2, BPF_REG_10, -8));
#else
	ADD(p, LOAD(BPF_REG_2, BPF_REG_6, offsetof(struct user_pt_regs, regs[30])));
#endif
}

/* "if (return address is outside of the range) return 0;" */
static int add_caller(struct program *p)
{
	int err = add_range(p);

	add_return_address(p);
	ADD(p, JUMP_IF_REG(BPF_JLT, BPF_REG_2, BPF_REG_7, 1),
	    JUMP_IF_REG(BPF_JLT, BPF_REG_2, BPF_REG_8, 2),
	    MOV_IMM(BPF_REG_0, 0),
	    EXIT());
	return err;
}

/* "if (no frame of the stack is in the range) return 0;" */
static int add_stack(struct program *p)
{
	const int size = DEPTH * 8, insns_of_frame = 3;
	int i, err = add_range(p);

	ADD(p, MOV(BPF_REG_1, BPF_REG_6),
	    MOV(BPF_REG_2, BPF_REG_10),
	    ADD_IMM(BPF_REG_2, -size),
	    MOV_IMM(BPF_REG_3, size),
	    MOV_IMM(BPF_REG_4, 0),
	    CALL(BPF_FUNC_get_stack));
	for (i = 0; i < DEPTH; i++)
		ADD(p, LOAD(BPF_REG_2, BPF_REG_10, i * 8 - size),
		    JUMP_IF_REG(BPF_JLT, BPF_REG_2, BPF_REG_7, 1),
		    JUMP_IF_REG(BPF_JLT, BPF_REG_2, BPF_REG_8,
				(DEPTH - 1 - i) * insns_of_frame + 2));
	ADD(p, MOV_IMM(BPF_REG_0, 0), EXIT());
	return err;
}

/* "bpf_override_return(context, result); return 0;" */
static void add_override(struct program *p, int result)
{
	ADD(p, MOV(BPF_REG_1, BPF_REG_6),
	    MOV_IMM(BPF_REG_2, result),
	    CALL(BPF_FUNC_override_return),
	    MOV_IMM(BPF_REG_0, 0),
	    EXIT());
}

/* Loads the program. @pid: 0 is any task. Returns its descriptor or -errno. */
static int load(int pid, enum filter filter, int result)
{
	struct program p = {};
	int err = 0;

	ADD(&p, MOV(BPF_REG_6, BPF_REG_1));	/* the context */
	if (pid)
		add_task(&p, pid);
	if (filter == FILTER_CALLER)
		err = add_caller(&p);
	else if (filter == FILTER_STACK)
		err = add_stack(&p);
	add_override(&p, result);
	return err ?: bpf_load_program_for_kprobe(p.insn, p.n);
}

static const struct bpf_case {
	const char *name;
	bool other_task;
	enum filter filter;
	bool fails;
} cases[] = {
	{ .name = "task-mismatch", .other_task = true },
	{ .name = "caller-mismatch", .filter = FILTER_CALLER },
	{ .name = "stack-mismatch", .filter = FILTER_STACK },
	{ .name = "injecting", .fails = true },
};

/*
 * The task that a program selects. Children of this task are not selected with it, so that in
 * workloads every task is.
 */
static int task_of(enum loop loop, const struct bpf_case *c)
{
	if (c->other_task)
		return other_task();
	return loop == WORKLOADS ? 0 : getpid();
}

/* Attaches a program to a function. Returns the descriptor of its event, or -errno. */
static int attach(int pid, enum filter filter, const struct failing *function)
{
	int event, program = load(pid, filter, function->result);

	if (check(program < 0 ? program : 0, "loading a BPF program"))
		return program;
	event = bpf_attach_to_kprobe(program, function->name);
	check(event < 0 ? event : 0, "attaching a BPF program");
	close(program);	/* the event holds it */
	return event;
}

static void measure_case(enum loop loop, const struct bpf_case *c, const struct failing *functions)
{
	int i, events[MOST_FAILING], n = 0;

	for (i = 0; i < MOST_FAILING && functions[i].name; i++) {
		events[n] = attach(task_of(loop, c), c->filter, &functions[i]);
		if (events[n] >= 0)
			n++;
	}
	if (n == i)
		loop_report(loop, "bpf", c->name, c->fails);
	while (n--)
		close(events[n]);
}

void bpf_measure(enum loop loop, const struct failing *functions)
{
	const struct bpf_case *c;

	for (c = cases; c < cases + sizeof(cases) / sizeof(*cases); c++)
		if (loop != WORKLOADS || !c->fails)
			measure_case(loop, c, functions);
	loop_report(loop, "bpf", "disarmed", false);
}
