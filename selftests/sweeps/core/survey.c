// SPDX-License-Identifier: GPL-2.0
/*
 * The survey of an operation, for scripts/judge: its targets go to the host as records, and the
 * names of all functions of the kernel and its modules, one on each line, to the file that
 * ERRPATH_COUNTERS names, which has no other use in a survey.
 */
#include "core.h"
#include "lib/symbols.h"
#include "records.h"
#include "survey.h"
#include "targets.h"

static bool function_write(const struct symbol *symbol, void *file)
{
	fprintf(file, "%s\n", symbol->name);
	return true;
}

static void functions_write(void)
{
	const char *path = getenv("ERRPATH_COUNTERS");
	FILE *file = fopen(path ?: "/dev/null", "we");

	bail_on_error(file ? 0 : -errno, "ERRPATH_COUNTERS");
	bail_on_error(symbols_each(function_write, file), "kallsyms");
	bail_on_error(fclose(file) ? -errno : 0, "ERRPATH_COUNTERS");
}

void survey_send(void)
{
	functions_write();
	for (int i = 0; i < targets_count(); i++)
		send_target(targets_get(i));
	send_end(targets_count(), targets_digest());
}
