// SPDX-License-Identifier: GPL-2.0
/*
 * errpath_alloc_twin: the code of errpath_alloc in a module of another name, so that one
 * can get the addresses that were the other's.
 */
#include "errpath_alloc.c"
