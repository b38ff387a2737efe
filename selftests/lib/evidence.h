/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_EVIDENCE_H
#define LIB_EVIDENCE_H

/*
 * Writes a line of plain text to paste into a patch review: to the file that ERRPATH_COUNTERS
 * names, or to stdout as a comment line.
 */
void evidence(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
