// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kselftest.h"
#include "knobs.h"
#include "stacks.h"

static int stack_parse(struct stack *s, const char *line)
{
	memset(s, 0, sizeof(*s));
	if (sscanf(line, "%15[0-9a-f]\t%ld\t%ld\t%191[^\t]\t%63[^\t]\t%3071[^\n]", s->id,
		   &s->seen, &s->injected, s->request, s->function, s->frames) != 6)
		return -EPROTO;
	return 0;
}

int stacks_read(const char *point, struct stacks *s)
{
	char path[256], line[4096];
	int err = 0;
	FILE *f;

	snprintf(path, sizeof(path), ERRPATH "/%s/stacks", point);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	s->nr = 0;
	while (!err && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "others", 6) || s->nr == ARRAY_SIZE(s->at))
			err = -EOVERFLOW;
		else
			err = stack_parse(&s->at[s->nr++], line);
	}
	fclose(f);
	return err;
}
