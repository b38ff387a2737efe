/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_LOAD_PARAM_H
#define ERRPATH_LOAD_PARAM_H

int load_param_apply(void);

#endif /* ERRPATH_LOAD_PARAM_H */
