// SPDX-License-Identifier: GPL-2.0
/* Defaults of the knobs, texts that they accept, and texts that they refuse. */
#include <stdio.h>
#include <string.h>

#include "lib/knobs.h"

#include "knob/values.h"

static const struct knob_default {
	const char *knob;
	const char *value;
} knob_defaults[] = {
	{ .knob = "probability", .value = "0" },
	{ .knob = "interval", .value = "1" },
	{ .knob = "times", .value = "1" },
	{ .knob = "space", .value = "0" },
	{ .knob = "verbose", .value = "1" },
	{ .knob = "verbose_ratelimit_interval_ms", .value = "0" },
	{ .knob = "verbose_ratelimit_burst", .value = "0" },
	{ .knob = "task-filter", .value = "Y" },
	{ .knob = "stacktrace-depth", .value = "32" },
	{ .knob = "require-start", .value = "0x0000000000000000" },
	{ .knob = "require-end", .value = "0xffffffffffffffff" },
	{ .knob = "reject-start", .value = "0x0000000000000000" },
	{ .knob = "reject-end", .value = "0x0000000000000000" },
	{ .knob = "tasks", .value = "" },
	{ .knob = "caller", .value = "" },
	{ .knob = "skip", .value = "" },
	{ .knob = "stacks", .value = "" },
	{ .knob = "targets", .value = "" },
	{ .knob = "nth", .value = "0" },
	{ .knob = "delay-us", .value = "0" },
	{ .knob = "errno", .value = "-12" },
	{}
};

const struct knob_good knob_good[] = {
	{ .knob = "probability", .text = "100", .value = "100" },
	{ .knob = "probability", .text = "0", .value = "0" },
	{ .knob = "interval", .text = "7\n", .value = "7" },
	{ .knob = "interval", .text = "0x10", .value = "16" },
	{ .knob = "times", .text = "-1", .value = "-1" },
	{ .knob = "times", .text = "2147483647", .value = "2147483647" },
	{ .knob = "space", .text = "3", .value = "3" },
	{ .knob = "verbose", .text = "0", .value = "0" },
	{ .knob = "verbose", .text = "2", .value = "2" },
	{ .knob = "verbose_ratelimit_interval_ms", .text = "5000", .value = "5000" },
	{ .knob = "verbose_ratelimit_burst", .text = "9", .value = "9" },
	{ .knob = "task-filter", .text = "N", .value = "N" },
	{ .knob = "task-filter", .text = "1", .value = "Y" },
	{ .knob = "task-filter", .text = "0\n", .value = "N" },
	{ .knob = "stacktrace-depth", .text = "5", .value = "5" },
	{ .knob = "stacktrace-depth", .text = "100", .value = "32" },
	{ .knob = "require-start", .text = "0xffffffff81000000", .value = "0xffffffff81000000" },
	{ .knob = "require-end", .text = "0xffffffff82000000", .value = "0xffffffff82000000" },
	{ .knob = "reject-start", .text = "4096", .value = "0x0000000000001000" },
	{ .knob = "reject-end", .text = "0x2000", .value = "0x0000000000002000" },
	{ .knob = "tasks", .text = "1", .value = "1" },
	{ .knob = "tasks", .text = "  1 ,1\n", .value = "1" },
	{ .knob = "tasks", .text = "", .value = "" },
	{ .knob = "tasks", .text = "1", .value = "1" },
	{
		.knob = "caller",
		.text = "vfs_write stack:ksys_write",
		.value = "vfs_write stack:ksys_write",
	},
	{ .knob = "skip", .text = "vfs_write, ksys_write", .value = "vfs_write, ksys_write" },
	{ .knob = "stacks", .text = "Y", .value = "" },
	{ .knob = "targets", .text = "1 abc:2", .value = "00000001:1 00000abc:2" },
	{ .knob = "targets", .text = "1+ abc:2+", .value = "00000001:1+ 00000abc:2+" },
	{ .knob = "targets", .text = "", .value = "" },
	{ .knob = "nth", .text = "5", .value = "5" },
	{ .knob = "delay-us", .text = "7", .value = "7" },
	{ .knob = "errno", .text = "-5", .value = "-5" },
	{}
};

/* The test writes these after all good ones: the values above are in place. */
const struct knob_bad knob_bad[] = {
	{ .knob = "probability", .text = "" },
	{ .knob = "probability", .text = "-1" },
	{ .knob = "probability", .text = "101" },
	{ .knob = "probability", .text = "1x" },
	{ .knob = "probability", .text = "1 2" },
	{ .knob = "probability", .text = "half" },
	{ .knob = "interval", .text = "" },
	{ .knob = "interval", .text = "-1" },
	{ .knob = "interval", .text = "18446744073709551616" },
	{ .knob = "interval", .text = "many" },
	{ .knob = "times", .text = "" },
	{ .knob = "times", .text = "-2" },
	{ .knob = "times", .text = "2147483648" },
	{ .knob = "times", .text = "1.5" },
	{ .knob = "space", .text = "" },
	{ .knob = "space", .text = "-1" },
	{ .knob = "space", .text = "2147483648" },
	{ .knob = "verbose", .text = "" },
	{ .knob = "verbose", .text = "3" },
	{ .knob = "verbose", .text = "-1" },
	{ .knob = "verbose_ratelimit_interval_ms", .text = "-1" },
	{ .knob = "verbose_ratelimit_interval_ms", .text = "99999999999" },
	{ .knob = "verbose_ratelimit_burst", .text = "2147483648" },
	{ .knob = "verbose_ratelimit_burst", .text = "few" },
	{ .knob = "task-filter", .text = "" },
	{ .knob = "task-filter", .text = "maybe" },
	{ .knob = "task-filter", .text = "2" },
	{ .knob = "stacktrace-depth", .text = "-1" },
	{ .knob = "stacktrace-depth", .text = "deep" },
	{ .knob = "require-start", .text = "vfs_write" },
	{ .knob = "require-start", .text = "-1" },
	{ .knob = "require-end", .text = "0x1ffffffffffffffff" },
	{ .knob = "reject-start", .text = "0xg" },
	{ .knob = "reject-end", .text = "" },
	{ .knob = "tasks", .text = "0" },
	{ .knob = "tasks", .text = "-5" },
	{ .knob = "tasks", .text = "1 init" },
	{ .knob = "tasks", .text = "1.5" },
	{ .knob = "caller", .text = "no_such_function" },
	{ .knob = "caller", .text = "vfs_write stack:no_such_function" },
	{ .knob = "caller", .text = "stack:" },
	{ .knob = "skip", .text = "no_such_function" },
	{ .knob = "skip", .text = "stack:vfs_write" },
	{ .knob = "stacks", .text = "" },
	{ .knob = "stacks", .text = "2" },
	{ .knob = "delay-us", .text = "100001" },
	{ .knob = "delay-us", .text = "-1" },
	{ .knob = "targets", .text = "many" },
	{ .knob = "targets", .text = "+" },
	{ .knob = "targets", .text = "1:+" },
	{ .knob = "targets", .text = "0" },
	{ .knob = "targets", .text = "1:0" },
	{ .knob = "targets", .text = "1 2 3 4 5 6 7 8 9" },
	{ .knob = "nth", .text = "" },
	{ .knob = "nth", .text = "-1" },
	{ .knob = "nth", .text = "third" },
	{ .knob = "nth", .text = "9223372036854775808" },
	{ .knob = "errno", .text = "" },
	{ .knob = "errno", .text = "0" },
	{ .knob = "errno", .text = "12" },
	{ .knob = "errno", .text = "-4096" },
	{ .knob = "errno", .text = "ENOMEM" },
	{}
};

bool knob_shows(const char *point, const char *knob, const char *value)
{
	char text[1024];

	if (knob_get(point, knob, text, sizeof(text)))
		return false;
	if (!strcmp(text, value))
		return true;
	printf("# %s/%s reads \"%s\" for \"%s\"\n", point, knob, text, value);
	return false;
}

int knobs_not_default(const char *point)
{
	int n = 0;

	for (const struct knob_default *d = knob_defaults; d->knob; d++)
		n += !knob_shows(point, d->knob, d->value);
	return n;
}

int knobs_set_good(const char *point)
{
	int err = 0;

	for (const struct knob_good *good = knob_good; good->knob && !err; good++)
		err = knob_set(point, good->knob, "%s", good->text);
	return err;
}
