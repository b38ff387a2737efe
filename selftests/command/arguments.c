// SPDX-License-Identifier: GPL-2.0
/* The words of a subcommand. */
#include <stdlib.h>
#include <string.h>

#include "command.h"

#define TIMEOUT "--timeout="

static int take_timeout(struct arguments *a, const char *word)
{
	char *end;
	long seconds = strtol(word + strlen(TIMEOUT), &end, 10);

	if (*end || seconds < 1 || seconds > 86400)
		return complain("%s: write " TIMEOUT "SECONDS, 1 to 86400", word);
	a->seconds = seconds;
	return 0;
}

static int take_option(struct arguments *a, const char *word, int takes)
{
	if (!strcmp(word, "-v") || !strcmp(word, "--verbose"))
		a->verbose = true;
	else if (!strcmp(word, "--json") && takes & TAKES_JSON)
		a->json = true;
	else if (!strcmp(word, "--yes") && takes & TAKES_SWEEP)
		a->yes = true;
	else if (!strcmp(word, "--persistent") && takes & TAKES_SWEEP)
		a->persistent = true;
	else if (!strncmp(word, TIMEOUT, strlen(TIMEOUT)) && takes & TAKES_SWEEP)
		return take_timeout(a, word);
	else
		return complain("%s has no option %s: errpath %s --help lists them", a->subcommand,
				word, a->subcommand);
	return 0;
}

static int check_command(const struct arguments *a, int takes)
{
	if (!(takes & TAKES_COMMAND) && a->command)
		return complain("%s takes no command", a->subcommand);
	if (takes & TAKES_COMMAND && !a->command)
		return complain("write -- and a command: errpath %s ... -- COMMAND", a->subcommand);
	if (takes & TAKES_COMMAND && !*a->command)
		return complain("write a command behind --");
	return 0;
}

static int take_word(struct arguments *a, char *word, int takes)
{
	if (takes & TAKES_TARGET && !a->target) {
		a->target = word;
		return 0;
	}
	if (takes & TAKES_KNOBS && strchr(word, '=') && *word != '=') {
		a->knobs[a->nr_knobs++] = word;
		return 0;
	}
	if (takes & TAKES_KNOBS)
		return complain("%s is no KNOB=VALUE; write -- before the command", word);
	return complain("%s does not take %s", a->subcommand, word);
}

int arguments_parse(struct arguments *a, int argc, char **argv, int takes)
{
	int err = 0;

	a->knobs = argv;	/* overwrites words that were read */
	for (int i = 0; i < argc && !err; i++) {
		if (!strcmp(argv[i], "--")) {
			a->command = argv + i + 1;
			break;
		}
		err = *argv[i] == '-' ? take_option(a, argv[i], takes) :
					take_word(a, argv[i], takes);
	}
	if (err)
		return err;
	if (takes & TAKES_TARGET && takes & TAKES_COMMAND && !a->target)
		return complain("name a point or a function: errpath points lists the points");
	return check_command(a, takes);
}
