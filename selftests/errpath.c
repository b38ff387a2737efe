// SPDX-License-Identifier: GPL-2.0
/* errpath: fails functions of the kernel for a command, and compares counters before and after. */
#include <stdarg.h>
#include <string.h>

#include "command/command.h"

static const struct {
	const char *name;
	int (*run)(const struct arguments *a);
	int takes;
} subcommands[] = {
	{ "status", command_status, TAKES_JSON },
	{ "points", command_points, TAKES_TARGET },
	{ "run", command_run, TAKES_TARGET | TAKES_KNOBS | TAKES_COMMAND },
	{ "sweep", command_sweep, TAKES_KNOBS | TAKES_COMMAND | TAKES_SWEEP },
	{ "verdict", command_verdict, TAKES_COMMAND },
	{ "off", command_off, 0 },
};

static void say_args(const char *fmt, va_list args)
{
	/* One write, so that a line stays whole beside the output of a command. */
	char line[4096];

	vsnprintf(line, sizeof(line), fmt, args);
	fprintf(stderr, "errpath: %s\n", line);
}

void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_args(fmt, args);
	va_end(args);
}

int complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_args(fmt, args);
	va_end(args);
	return EXIT_OWN;
}

static int run_subcommand(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(subcommands) / sizeof(*subcommands); i++) {
		struct arguments a = { .subcommand = subcommands[i].name };
		int err;

		if (strcmp(argv[1], subcommands[i].name))
			continue;
		if (argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h")))
			return help_print(argv[1]);
		err = arguments_parse(&a, argc - 2, argv + 2, subcommands[i].takes);
		return err ? err : subcommands[i].run(&a);
	}
	return complain("no subcommand %s: errpath --help lists them", argv[1]);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return complain("write a subcommand: errpath --help lists them");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help_print(NULL);
	if (!strcmp(argv[1], "--man"))
		help_print_man();
	else if (!strcmp(argv[1], "--bash-completion"))
		help_print_completion();
	else
		return run_subcommand(argc, argv);
	return 0;
}
