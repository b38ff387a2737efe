// SPDX-License-Identifier: GPL-2.0
/*
 * Where an intercepted call goes in order to return at once: a function that
 * loads the value itself. A handler cannot put the value into the register: a
 * BPF trampoline (fentry, fexit) on the same function runs between the handler
 * and the return, uses that register, and does not restore it.
 *
 * One such function for each interception, with a value of its own. It is a
 * common C function: the stack pointer is the one of the intercepted call, so
 * its return is the return of that call, and the unwinder, return thunks and
 * call depth tracking treat it as one.
 */
#include <linux/compiler.h>

#include "early_return.h"

long early_return_values[EARLY_RETURN_MAX];

#define DEFINE(n)						\
static noinline notrace long early_return_0x##n(void)		\
{								\
	return READ_ONCE(early_return_values[0x##n]);		\
}

#define NAME(n)		early_return_0x##n,

#define SIXTEEN(DO, n)	\
	DO(n##0) DO(n##1) DO(n##2) DO(n##3) DO(n##4) DO(n##5) DO(n##6) DO(n##7) \
	DO(n##8) DO(n##9) DO(n##a) DO(n##b) DO(n##c) DO(n##d) DO(n##e) DO(n##f)

#define ALL(DO)	\
	SIXTEEN(DO, 0) SIXTEEN(DO, 1) SIXTEEN(DO, 2) SIXTEEN(DO, 3) \
	SIXTEEN(DO, 4) SIXTEEN(DO, 5) SIXTEEN(DO, 6) SIXTEEN(DO, 7)

ALL(DEFINE)

const early_return_fn early_return_functions[EARLY_RETURN_MAX] = { ALL(NAME) };
