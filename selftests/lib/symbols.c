// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

/* The types of functions, and of variables. */
#define FUNCTIONS "tTwW"
#define VARIABLES "bBdDrR"

/* A line is "ADDRESS TYPE NAME", and for a symbol of a module a tab and "[MODULE]". */
static bool symbol_parse(char *line, const char *types, struct symbol *symbol)
{
	char *at, *end;

	symbol->address = strtoul(line, &at, 16);
	if (*at != ' ' || !strchr(types, at[1]) || at[2] != ' ')
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

static int symbols_each_of(const char *types, bool (*take)(const struct symbol *symbol, void *data),
			   void *data)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[1024];
	struct symbol symbol;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (symbol_parse(line, types, &symbol) && !take(&symbol, data))
			break;
	}
	fclose(f);
	return 0;
}

int symbols_each(bool (*take)(const struct symbol *symbol, void *data), void *data)
{
	return symbols_each_of(FUNCTIONS, take, data);
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

struct variables {
	const char *const *names;
	unsigned long *addresses;
	int nr, found;
};

static bool variables_take(const struct symbol *symbol, void *data)
{
	struct variables *v = data;

	for (int i = 0; i < v->nr && !*symbol->module; i++) {
		if (v->addresses[i] || strcmp(symbol->name, v->names[i]))
			continue;
		v->addresses[i] = symbol->address;
		v->found++;
	}
	return v->found < v->nr;
}

int symbols_find_variables(const char *const *names, unsigned long *addresses, int nr)
{
	struct variables variables = { .names = names, .addresses = addresses, .nr = nr };

	memset(addresses, 0, nr * sizeof(*addresses));
	return symbols_each_of(VARIABLES, variables_take, &variables);
}
