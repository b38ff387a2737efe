// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_alloc_twin: the code of errpath_alloc in a module with another name. When one is
 * unloaded, the other can be loaded at the same addresses, which tests look-ups of callers.
 */
#include "errpath_alloc.c"
