// SPDX-License-Identifier: GPL-2.0
/*
 * Functions that run instead of an intercepted function and return a value immediately.
 * The handler cannot put the value into the return register itself: a BPF trampoline
 * (fentry, fexit) on the same function runs between the handler and the return, uses that
 * register, and does not restore it.
 *
 * Each interception has one such function and one value. It is an ordinary C function:
 * the stack pointer is that of the intercepted call, so its return is the return of that
 * call, and the unwinder, return thunks and call depth tracking see an ordinary return.
 */
#include <linux/compiler.h>

#include "early_return.h"

long early_return_values[EARLY_RETURN_MAX];

#define EARLY_RETURN(n)						\
static noinline notrace long early_return_##n(void)		\
{								\
	return READ_ONCE(early_return_values[n]);		\
}

#include "early_return_list.h"

#define EARLY_RETURN(n)	early_return_##n,

const early_return_fn early_return_functions[EARLY_RETURN_MAX] = {
#include "early_return_list.h"
};
