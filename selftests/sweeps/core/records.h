/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_RECORDS_H
#define SWEEPS_RECORDS_H

#include "cover.h"
#include "kept.h"
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
/* A target that another shard judges. */
void send_elsewhere(const struct target *t);
void send_failed(const char *hash, long fired, const struct sweep_run *run);
void send_again(const char *hash, const struct sweep_run *run);
void send_repeating(const char *hash, long done);
void send_repeated(const char *hash, long fired);
/* What ran with nothing failed; and in the run that failed. */
void send_clean(const struct cover *cover);
void send_covered(const char *hash, const struct cover *cover);
/* What each of the repeated failures left allocated, by the line of source. */
void send_kept(const char *hash, const struct kept *kept, int nr);
/* A target that the clean run showed. */
void send_found(const char *hash);
/* The guest waits until its host has kept it as a template. */
void send_waiting(long targets);
/* The gauges that differ after the success that followed. */
void send_moved(const char *hash, unsigned long stacks, const struct verdict *v);
/* @result: "pass", "xfail" or "fail". */
void send_judged(const char *hash, const char *result, const struct verdict *v);
void send_broken(const char *hash, const struct sweep_run *run, const char *result,
		 const struct verdict *v);
void send_hang(const char *hash, const struct sweep_run *run);
void send_end(long targets, unsigned long survey);

#endif
