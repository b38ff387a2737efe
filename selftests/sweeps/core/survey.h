/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWEEPS_SURVEY_H
#define SWEEPS_SURVEY_H

/* Sends the targets, and the names of the kernel's functions, and fails nothing. */
void survey_send(void);

#endif
