// SPDX-License-Identifier: GPL-2.0
/* The knobs delay-us and min: a call does not fail, but is late, or has another argument. */
#include <string.h>

#include "command.h"
#include "lib/knobs.h"
#include "rows.h"

static bool knob_is_set(const char *point, const char *knob)
{
	char value[64];

	return !knob_get(point, knob, value, sizeof(value)) && value[strspn(value, "0x")];
}

/* With both knobs, the module delays. */
enum instead instead_of(const struct injection *i)
{
	if (knob_is_set(i->point, "delay-us"))
		return INSTEAD_DELAY;
	return knob_is_set(i->point, "min") ? INSTEAD_RAISE_MIN : INSTEAD_FAIL;
}

static void warn_of_kprobe(const struct row *row, const void *data)
{
	const struct injection *i = data;

	if (strcmp(row->name, i->point) || strcmp(row->by, "kprobe"))
		return;
	say("%s() is not delayed: a kprobe intercepts it, whose handler runs with interrupts off",
	    row->function);
}

void instead_warn(const struct injection *i)
{
	if (instead_of(i) == INSTEAD_DELAY)
		rows_each(warn_of_kprobe, i);
}
