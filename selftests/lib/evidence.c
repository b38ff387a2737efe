// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "evidence.h"

void evidence(const char *fmt, ...)
{
	const char *path = getenv("ERRPATH_COUNTERS");
	FILE *f = path ? fopen(path, "ae") : NULL;
	va_list args;

	if (path && !f)
		printf("# ERRPATH_COUNTERS: cannot open %s\n", path);
	va_start(args, fmt);
	if (!f)
		printf("# ");
	vfprintf(f ?: stdout, fmt, args);
	fprintf(f ?: stdout, "\n");
	va_end(args);
	if (f)
		fclose(f);
}
