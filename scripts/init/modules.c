// SPDX-License-Identifier: GPL-2.0
/* Loads kernel modules, with parameters from the kernel command line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

/* Collect NAME.PARAMETER=VALUE from the kernel command line, as modprobe does. */
static void module_parameters(const char *name, char *params, size_t size)
{
	char cmdline[4096] = "", *word, *rest = cmdline;
	size_t length = strlen(name);
	FILE *file = fopen("/proc/cmdline", "re");

	if (!file || !fgets(cmdline, sizeof(cmdline), file))
		die("/proc/cmdline: %s", strerror(errno));
	fclose(file);

	*params = '\0';
	while ((word = strsep(&rest, "\n ")) != NULL) {
		if (strncmp(word, name, length) || word[length] != '.')
			continue;
		strncat(params, word + length + 1, size - strlen(params) - 2);
		strcat(params, " ");
	}
}

static int load_module(const char *path)
{
	char name[128], params[4096];
	int fd, ret;

	snprintf(name, sizeof(name), "%s", strrchr(path, '/') + 1);
	name[strcspn(name, ".")] = '\0';
	module_parameters(name, params, sizeof(params));

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, params, 0);
	close(fd);
	return ret;
}

/* Return why the last module was not loaded. */
static const char *refusal(void)
{
	return errno == ENOEXEC ? "the kernel's image and headers are of different builds"
				: strerror(errno);
}

void each_line(const char *list, void (*action)(const char *, const char *))
{
	char line[256];
	FILE *file = fopen(list, "re");

	if (!file)
		die("%s: %s", list, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		char *rest = line, *word;

		line[strcspn(line, "\n")] = '\0';
		word = strsep(&rest, " ");
		if (*word)
			action(word, rest ? rest : "");
	}
	fclose(file);
}

/* Without its own modules the guest cannot report anything. */
void load_own(const char *path, const char *unused)
{
	(void)unused;
	if (load_module(path))
		die("%s: %s", path, refusal());
}

/* A module under test that does not load is a failed test. */
void load_tested(const char *path, const char *unused)
{
	char name[128];
	int ret = load_module(path);

	(void)unused;
	snprintf(name, sizeof(name), "load %s", strrchr(path, '/') + 1);
	if (ret)
		result_print(false, name, " # %s", refusal());
	else
		result_print(true, name, "%s", "");
}

void load_for_shell(const char *path, const char *unused)
{
	(void)unused;
	if (load_module(path))
		printf("%s does not load: %s\n", path, strerror(errno));
}
