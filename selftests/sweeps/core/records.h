/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_RECORDS_H
#define SWEEPS_RECORDS_H

#include "lib/sweep.h"
#include "lib/verdict.h"
#include "targets.h"

/*
 * Each function sends one record of the protocol between guest and host, which ../README.md
 * describes; scripts/host/sweepproto.py has its schema. The host has the record when the
 * function returns. @hash: of the target that the record is about.
 */
void send_start(const struct sweep_operation *op, const char *point, const char *kernel);
void send_unavailable(const char *why);
void send_target(const struct target *t);
void send_failed(const char *hash, long fired, const struct sweep_run *run);
void send_again(const char *hash, const struct sweep_run *run);
void send_repeating(const char *hash, long done);
void send_repeated(const char *hash, long fired);
/* @result: "pass", "xfail" or "fail". */
void send_judged(const char *hash, const char *result, const struct verdict *v);
void send_broken(const char *hash, const struct sweep_run *run, const char *result,
		 const struct verdict *v);
void send_hang(const char *hash, const struct sweep_run *run);
void send_end(long targets, unsigned long survey);

#endif
