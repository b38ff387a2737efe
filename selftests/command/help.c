// SPDX-License-Identifier: GPL-2.0
/* The only text about the command: --help, the manual page and the completion are made of it. */
#include <string.h>

#include "command.h"

/*
 * A text is an array of lines; it ends with a NULL. Lines are joined and folded again; an empty
 * line ends a paragraph. A line that begins with four blanks is an example, and stays as it is.
 */
static const char * const status_text[] = {
	"Prints /sys/kernel/debug/errpath/status, or the same as JSON in one line.",
	NULL,
};

static const char * const points_text[] = {
	"With POINT, prints its knobs and their values as KNOB=VALUE.",
	NULL,
};

static const char * const run_text[] = {
	"Arms POINT for COMMAND, waits for it, and prints how many calls failed, which",
	"functions made them, and whether every gauge is back. Without nth or",
	"probability, the first matching call fails. COMMAND starts before the point is",
	"armed: its exec does not fail.",
	"",
	"FUNCTION is any function of the kernel that is not inlined, or MODULE:NAME. It",
	"returns RETURN: NULL or ERR_PTR(-ENAME) for a pointer, -ENAME, 0 or 1 for int",
	"and long, false or true for bool; by default NULL, -ENOMEM or false. The",
	"kernel's type information (BTF) decides what fits.",
	"",
	"KNOB is one of the point's: errpath points POINT. When errpath ends, however it",
	"ends, nothing stays armed. With delay-us or min, calls do not fail: they are late, or",
	"get a higher argument.",
	"    errpath run vfs_rmdir=-ENOSPC -- rmdir /tmp/x",
	"    errpath run alloc caller=stack:do_mkdirat nth=3 -- mkdir /tmp/x",
	NULL,
};

static const char sweep_words[] =
	"[-v] [--yes] [--persistent] [--timeout=SECONDS] [KNOB=VALUE ...] -- COMMAND ...";

static const char * const sweep_text[] = {
	"Runs COMMAND again and again on this machine. Each run fails another call of",
	"the point alloc; a run without failures follows, which must succeed. A failure",
	"that loses memory, makes the kernel complain, or leaves a command that does not",
	"succeed any more is a finding. COMMAND must leave the machine as it was: remove",
	"what it creates. Its output is shown only with -v. On a machine that is not",
	"virtual, --yes is needed. With --persistent, all calls after the one that fails fail, too,",
	"until the run ends. A run that takes more than 60 seconds, or --timeout, hangs. If no",
	"allocation matches, the exit status is 125.",
	"    errpath sweep caller=stack:do_mkdirat -- sh -c 'mkdir /tmp/x && rmdir /tmp/x'",
	NULL,
};

static const char * const verdict_text[] = {
	"Exits with 1 if COMMAND succeeded, but a gauge is not back.",
	"    errpath verdict -- sh -c 'mkdir /tmp/x && rmdir /tmp/x'",
	NULL,
};

static const char * const off_text[] = {
	"Fails if another process holds the guard, and names it.",
	NULL,
};

static const struct help {
	const char *name;
	const char *words;	/* of the command line */
	const char *brief;
	const char * const *text;
	const char *options;	/* for the completion */
} helps[] = {
	{
		.name = "status",
		.words = "[--json]",
		.brief = "show all points: state, functions, statistics",
		.text = status_text,
		.options = "--json",
	},
	{
		.name = "points",
		.words = "[POINT]",
		.brief = "list the points and their functions, or the knobs of one",
		.text = points_text,
	},
	{
		.name = "run",
		.words = "[-v] POINT|FUNCTION[,...][=RETURN] [KNOB=VALUE ...] -- COMMAND ...",
		.brief = "fail calls of COMMAND and of the processes that it starts",
		.text = run_text,
		.options = "-v --verbose --",
	},
	{
		.name = "sweep",
		.words = sweep_words,
		.brief = "fail each allocation of COMMAND, one after the other",
		.text = sweep_text,
		.options = "-v --verbose --yes --persistent --timeout= --",
	},
	{
		.name = "verdict",
		.words = "[-v] -- COMMAND ...",
		.brief = "compare the kernel's counters before and after COMMAND; fail nothing",
		.text = verdict_text,
		.options = "-v --verbose --",
	},
	{
		.name = "off",
		.words = "",
		.brief = "disarm all points, reset all knobs, remove the points that were added",
		.text = off_text,
	},
};

static const char * const intro[] = {
	"errpath makes functions of the kernel fail, and compares the kernel's counters before and",
	"after. It needs root, and the module errpath.ko. Use it on test machines only: the failures",
	"are real, and so are the kernel bugs that they trigger.",
	NULL,
};

static const char * const more[] = {
	"errpath SUBCOMMAND --help says more; --man prints the manual page, --bash-completion the",
	"completion for bash.",
	NULL,
};

static const char * const outro[] = {
	"run, sweep and verdict write to stderr; stdout is the command's. -v, --verbose: also print",
	"all counters that moved.",
	NULL,
};

static const struct {
	const char *status, *meaning;
} statuses[] = {
	{ "N", "that of COMMAND" },
	{ "1", "sweep: there are findings; verdict: a gauge is not back" },
	{ "125", "errpath could not do its work; one line says why" },
	{ "126, 127", "COMMAND cannot be executed, or is not found" },
	{ "128 + N", "COMMAND was killed by signal N" },
};

#define WIDTH 79

static int end_line(void)
{
	printf("\n");
	return 0;
}

/* Prints the words of a line behind @column characters. Returns the new column. */
static int print_words(const char *line, int column)
{
	while (*line) {
		int length = strcspn(line, " ");

		if (column && column + 1 + length > WIDTH)
			column = end_line();
		column += printf("%s%.*s", column ? " " : "", length, line);
		line += length;
		line += strspn(line, " ");
	}
	return column;
}

static bool is_example(const char *line)
{
	return !strncmp(line, "    ", 4);
}

static void print_folded(const char * const *text)
{
	int column = 0;

	for (; *text; text++) {
		if (column && (!**text || is_example(*text)))
			column = end_line();
		if (is_example(*text))
			printf("%s\n", *text);
		else
			column = print_words(*text, column);
	}
	if (column)
		printf("\n");
}

static int print_one(const struct help *h)
{
	printf("usage: errpath %s%s%s\n", h->name, *h->words ? " " : "", h->words);
	printf("%s\n\n", h->brief);
	print_folded(h->text);
	return 0;
}

static void print_all(void)
{
	print_folded(intro);
	printf("\n");
	for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++) {
		printf("  errpath %s%s%s\n", helps[i].name, *helps[i].words ? " " : "",
		       helps[i].words);
		printf("        %s\n", helps[i].brief);
	}
	printf("\n");
	print_folded(more);
	printf("\n");
	print_folded(outro);
	printf("\nExit status:\n");
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		printf("  %-10s %s\n", statuses[i].status, statuses[i].meaning);
}

int help_print(const char *subcommand)
{
	if (!subcommand) {
		print_all();
		return 0;
	}
	for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++) {
		if (!strcmp(helps[i].name, subcommand))
			return print_one(&helps[i]);
	}
	return complain("no subcommand %s: errpath --help lists them", subcommand);
}

/* A hyphen of an option is not one of a text; a line must not begin with a request. */
static void man_put(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!i && (text[i] == '.' || text[i] == '\''))
			printf("\\&");
		if (text[i] == '-')
			printf("\\-");
		else if (text[i] == '\\')
			printf("\\e");
		else
			putchar(text[i]);
	}
	putchar('\n');
}

static void man_text(const char * const *text)
{
	bool begins = true;

	for (; *text; begins = !**text || is_example(*text), text++) {
		if (is_example(*text)) {
			printf(".RS\n.EX\n");
			man_put(*text + 4, strlen(*text + 4));
			printf(".EE\n.RE\n");
		} else if (**text) {
			if (begins)
				printf(".PP\n");
			man_put(*text, strlen(*text));
		}
	}
}

void help_print_man(void)
{
	printf(".TH ERRPATH 8 \"\" errpath \"System Administration\"\n.SH NAME\n"
	       "errpath \\- make functions of the kernel fail\n.SH SYNOPSIS\n");
	for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++) {
		printf(".B errpath %s\n", helps[i].name);
		man_put(helps[i].words, strlen(helps[i].words));
		printf(".br\n");
	}
	printf(".SH DESCRIPTION\n");
	man_text(intro);
	for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++) {
		printf(".SS errpath %s: ", helps[i].name);
		man_put(helps[i].brief, strlen(helps[i].brief));
		man_text(helps[i].text);
	}
	printf(".SH OUTPUT\n");
	man_text(outro);
	printf(".SH EXIT STATUS\n");
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		printf(".TP\n%s\n", statuses[i].status);
		man_put(statuses[i].meaning, strlen(statuses[i].meaning));
	}
	printf(".SH FILES\n.TP\n/sys/kernel/debug/errpath\nthe knobs of the module\n");
}

void help_print_completion(void)
{
	printf("# bash completion for errpath(8); made by errpath --bash-completion\n"
	       "_errpath() {\n"
	       "\tlocal word=${COMP_WORDS[COMP_CWORD]} i words=\n"
	       "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	       "\t\tif [ \"${COMP_WORDS[i]}\" = -- ]; then\n"
	       "\t\t\tdeclare -F _command_offset >/dev/null && _command_offset $((i + 1))\n"
	       "\t\t\treturn\n\t\tfi\n\tdone\n"
	       "\tcase $COMP_CWORD,${COMP_WORDS[1]} in\n"
	       "\t1,*) words='");
	for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++)
		printf("%s ", helps[i].name);
	printf("--help' ;;\n");
	for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++) {
		bool points = !strcmp(helps[i].name, "run") || !strcmp(helps[i].name, "points");

		printf("\t*,%s) words=\"--help %s%s\" ;;\n", helps[i].name,
		       helps[i].options ? helps[i].options : "",
		       points ? " $(errpath points 2>/dev/null | cut -d' ' -f1)" : "");
	}
	printf("\tesac\n"
	       "\t# shellcheck disable=SC2207 # split into words\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	       "}\ncomplete -F _errpath errpath\n");
}
