/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_JUDGE_H
#define SWEEPS_JUDGE_H

#include "lib/verdict.h"
#include "targets.h"

/* Fails @t, judges what that left behind, and sends the records about it. */
void judge_target(const struct target *t);
/* The same in a twin. @v: opened before the template was kept. */
void judge_twin(const struct target *t, struct verdict *v);

#endif
