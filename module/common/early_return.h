/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_EARLY_RETURN_H
#define ERRPATH_EARLY_RETURN_H

/* Maximum number of functions that a module can make return early. */
#define EARLY_RETURN_MAX	128

typedef long (*early_return_fn)(void);

extern const early_return_fn early_return_functions[EARLY_RETURN_MAX];
extern long early_return_values[EARLY_RETURN_MAX];

#endif /* ERRPATH_EARLY_RETURN_H */
