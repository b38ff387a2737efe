/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_HIT_H
#define ERRPATH_HIT_H

struct intercept;
struct pt_regs;

void errpath_hit(struct intercept *ic, struct pt_regs *regs, unsigned long caller);

#endif /* ERRPATH_HIT_H */
