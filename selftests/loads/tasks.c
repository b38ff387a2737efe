// SPDX-License-Identifier: GPL-2.0
/* A storm of forks. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loads.h"

#define CHILDREN 16

static int fork_once(void)
{
	int forked = 0;

	for (; forked < CHILDREN; forked++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		/* Another load has taken all memory. */
		if (pid < 0 && errno != ENOMEM && errno != EAGAIN)
			return -errno;
		if (pid < 0)
			break;
	}
	while (forked--)
		wait(NULL);
	return 0;
}

const struct load load_fork = { .name = "fork", .once = fork_once };
