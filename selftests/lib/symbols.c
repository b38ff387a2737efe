// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

/* A line is "ADDRESS TYPE NAME", and for a function of a module a tab and "[MODULE]". */
static bool symbol_parse(char *line, struct symbol *symbol)
{
	char *at, *end;

	symbol->address = strtoul(line, &at, 16);
	if (*at != ' ' || !strchr("tTwW", at[1]) || at[2] != ' ')
		return false;
	symbol->name = at + 3;
	end = at + 3 + strcspn(at + 3, "\t\n");
	symbol->module = "";
	if (*end == '\t' && end[1] == '[') {
		symbol->module = end + 2;
		end[2 + strcspn(end + 2, "]\n")] = '\0';
	}
	*end = '\0';
	return true;
}

int symbols_each(bool (*take)(const struct symbol *symbol, void *data), void *data)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[1024];
	struct symbol symbol;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (symbol_parse(line, &symbol) && !take(&symbol, data))
			break;
	}
	fclose(f);
	return 0;
}

struct text {
	const char *name;
	unsigned long start, end;
};

static bool text_take_start(const struct symbol *symbol, void *data)
{
	struct text *text = data;

	if (!strcmp(symbol->name, text->name))
		text->start = symbol->address;
	return !text->start;
}

/* The functions of modules are in no order. */
static bool text_take_end(const struct symbol *symbol, void *data)
{
	struct text *text = data;

	if (symbol->address > text->start && symbol->address < text->end)
		text->end = symbol->address;
	return true;
}

int symbol_find_text(const char *name, unsigned long *start, unsigned long *end)
{
	struct text text = { .name = name, .end = ULONG_MAX };
	int err = symbols_each(text_take_start, &text);

	if (!err && !text.start)
		err = -ENOENT;
	if (!err)
		err = symbols_each(text_take_end, &text);
	*start = text.start;
	*end = text.end;
	return err;
}
