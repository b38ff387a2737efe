// SPDX-License-Identifier: GPL-2.0
/*
 * Where an intercepted call goes in order to return at once: a function that
 * loads the value itself. A handler cannot put the value into the register: a
 * BPF trampoline (fentry, fexit) on the same function runs between the handler
 * and the return, uses that register, and does not restore it.
 *
 * Each interception has one such function and one value. The function is a
 * common C function: the stack pointer is the one of the intercepted call, so
 * its return is the return of that call, and the unwinder, return thunks and
 * call depth tracking treat it as one.
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
