// SPDX-License-Identifier: GPL-2.0
/* Calls of errpath_target.ko's functions, and what the kernel says about a function. */
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
