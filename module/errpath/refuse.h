/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_REFUSE_H
#define ERRPATH_REFUSE_H

int refuse_function(const char *symbol);

#endif /* ERRPATH_REFUSE_H */
