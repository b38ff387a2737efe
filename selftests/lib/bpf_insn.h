/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_BPF_INSN_H
#define LIB_BPF_INSN_H

#include <linux/bpf.h>

/* Instructions of BPF, named as in the documentation of the kernel. */
#define MOV(_dst, _src) \
	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = _dst, .src_reg = _src }
#define MOV_IMM(_dst, _imm) \
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = _dst, .imm = _imm }
#define ADD_IMM(_dst, _imm) \
	{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = _dst, .imm = _imm }
#define RSH_IMM(_dst, _imm) \
	{ .code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = _dst, .imm = _imm }
#define LOAD(_dst, _src, _off) \
	{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = _dst, .src_reg = _src, .off = _off }
#define STORE(_dst, _off, _src) \
	{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = _dst, .off = _off, .src_reg = _src }
#define STORE_WORD_IMM(_dst, _off, _imm) \
	{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = _dst, .off = _off, .imm = _imm }
/* Two instructions: the second has the upper half of the number. */
#define LOAD_MAP(_dst, _fd) \
	{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = _dst, .src_reg = BPF_PSEUDO_MAP_FD, \
	  .imm = _fd }
#define LOAD_MAP_UPPER() {}
#define ATOMIC_ADD(_dst, _off, _src) \
	{ .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = _dst, .off = _off, .src_reg = _src, \
	  .imm = BPF_ADD }
#define CALL(_function) \
	{ .code = BPF_JMP | BPF_CALL, .imm = _function }
#define JUMP_IF(_op, _dst, _imm, _off) \
	{ .code = BPF_JMP | (_op) | BPF_K, .dst_reg = _dst, .imm = _imm, .off = _off }
#define EXIT() \
	{ .code = BPF_JMP | BPF_EXIT }
/* Compares two registers. */
#define JUMP_IF_REG(_op, _dst, _src, _off) \
	{ .code = BPF_JMP | (_op) | BPF_X, .dst_reg = _dst, .src_reg = _src, .off = _off }
/* Two instructions: each has a half of the number. */
#define LOAD_NUMBER(_dst, _number) \
	{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = _dst, .imm = (unsigned int)(_number) }
#define LOAD_NUMBER_UPPER(_number) { .imm = (unsigned long)(_number) >> 32 }

#endif
