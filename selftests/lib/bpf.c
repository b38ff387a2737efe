// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf.h"
#include "bpf_insn.h"
#include "btf.h"
#include "perf.h"

static int bpf(int command, union bpf_attr *attr)
{
	int ret = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

int bpf_load_program_for_kprobe(const struct bpf_insn *program, unsigned int n)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.insns = (unsigned long)program,
		.insn_cnt = n,
		.license = (unsigned long)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

int bpf_load_for_kprobe(void)
{
	static const struct bpf_insn program[] = { MOV_IMM(BPF_REG_0, 0), EXIT() };

	return bpf_load_program_for_kprobe(program, sizeof(program) / sizeof(*program));
}

int bpf_attach_to_kprobe(int program, const char *function)
{
	int err, fd = perf_open_probe(function, false, -1);

	if (fd < 0)
		return fd;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

long bpf_runs(int program)
{
	struct bpf_prog_info info = {};
	union bpf_attr attr = {
		.info.bpf_fd = program,
		.info.info_len = sizeof(info),
		.info.info = (unsigned long)&info,
	};
	int err = bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);

	return err ?: (long)info.run_cnt;
}

int bpf_make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(__u32),
		.value_size = sizeof(struct bpf_calls),
		.max_entries = 1,
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

int bpf_read_calls(int map, struct bpf_calls *calls)
{
	__u32 key = 0;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (unsigned long)&key,
		.value = (unsigned long)calls,
	};

	return bpf(BPF_MAP_LOOKUP_ELEM, &attr);
}

static int bpf_load_tracing(const struct bpf_insn *program, unsigned int n, bool at_return,
			    unsigned int function)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.expected_attach_type = at_return ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY,
		.attach_btf_id = function,
		.insns = (unsigned long)program,
		.insn_cnt = n,
		.license = (unsigned long)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

/* The context is an array: the arguments, followed by the return value. */
int bpf_load_for_function(const char *name, bool at_return, int map)
{
	const int pid = getpid();
	struct btf_function function;
	int err = btf_find_function(name, &function);
	const short result = at_return ? function.nr_args * 8 : 0;
	const struct bpf_insn program[] = {
		/* if (current->tgid != pid) return 0; */
		MOV(BPF_REG_6, BPF_REG_1),
		CALL(BPF_FUNC_get_current_pid_tgid),
		RSH_IMM(BPF_REG_0, 32),
		JUMP_IF(BPF_JNE, BPF_REG_0, pid, 14),
		/* calls = map_lookup_elem(map, &zero); if (!calls) return 0; */
		STORE_WORD_IMM(BPF_REG_10, -4, 0),
		MOV(BPF_REG_2, BPF_REG_10),
		ADD_IMM(BPF_REG_2, -4),
		LOAD_MAP(BPF_REG_1, map),
		LOAD_MAP_UPPER(),
		CALL(BPF_FUNC_map_lookup_elem),
		JUMP_IF(BPF_JEQ, BPF_REG_0, 0, 7),
		/* calls->made++; */
		MOV_IMM(BPF_REG_1, 1),
		ATOMIC_ADD(BPF_REG_0, offsetof(struct bpf_calls, made), BPF_REG_1),
		/* calls->last = result; if (!result) calls->zero++; */
		LOAD(BPF_REG_2, BPF_REG_6, result),
		STORE(BPF_REG_0, offsetof(struct bpf_calls, last), BPF_REG_2),
		JUMP_IF(BPF_JNE, BPF_REG_2, 0, 2),
		MOV_IMM(BPF_REG_1, 1),
		ATOMIC_ADD(BPF_REG_0, offsetof(struct bpf_calls, zero), BPF_REG_1),
		/* return 0; */
		MOV_IMM(BPF_REG_0, 0),
		EXIT(),
	};

	if (err)
		return err;
	return bpf_load_tracing(program, sizeof(program) / sizeof(*program), at_return,
				function.id);
}

int bpf_attach_to_function(int program)
{
	union bpf_attr attr = { .raw_tracepoint.prog_fd = program };

	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
}
