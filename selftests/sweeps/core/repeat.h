/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_REPEAT_H
#define SWEEPS_REPEAT_H

#include "lib/verdict.h"
#include "targets.h"

/* Fails @t options.repeats times, and adds to @v what each failure loses. */
void repeat_target(const struct target *t, struct verdict *v);

#endif
