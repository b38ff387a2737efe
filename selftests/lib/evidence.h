/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_EVIDENCE_H
#define LIB_EVIDENCE_H

/*
 * Plain text to paste into a patch review. Goes to the file that
 * ERRPATH_COUNTERS names, else to stdout as comment lines.
 */
void evidence(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
