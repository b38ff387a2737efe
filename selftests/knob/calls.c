// SPDX-License-Identifier: GPL-2.0
/* Calls of errpath_target.ko's functions, and what the kernel says about a function. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"

#include "lib/file.h"
#include "lib/target.h"

#include "knob/calls.h"

long calls_failed(const char *which, long count)
{
	struct target_calls calls;

	return target_call(count, which, "task", &calls) ?: (long)calls.failed;
}

int calls_failed_in_child(const char *which, long count)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(calls_failed(which, count));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

bool function_is_intercepted(const char *function)
{
	static char text[65536];
	const char * const lists[] = {
		"/sys/kernel/debug/kprobes/list",
		TRACING "/enabled_functions",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (file_read(lists[i], text, sizeof(text)) < 0 ||
		    strstr(text, function))
			return true;
	}
	return false;
}

/* The symbols are in ascending order, so that the next one is the end of the function. */
bool function_find_text(const char *function, unsigned long *start, unsigned long *end)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[128];

	*start = 0;
	*end = 0;
	while (f && *end <= *start && fgets(line, sizeof(line), f)) {
		if (*start)
			*end = strtoul(line, NULL, 16);
		else if (strstr(line, function) &&
			 sscanf(line, "%lx %*c %127s", start, name) == 2 &&
			 strcmp(name, function))
			*start = 0;
	}
	if (f)
		fclose(f);
	return *end > *start;
}
