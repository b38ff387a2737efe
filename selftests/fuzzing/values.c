// SPDX-License-Identifier: GPL-2.0
/* What is written to the files. */
#include <stdio.h>
#include <string.h>

#include "kselftest.h"
#include "fuzzing.h"

static const char * const numbers[] = {
	"0", "1", "2", "3", "7", "10", "50", "99", "100", "101", "1000", "100000", "-1", "-2",
	"0x10", "010", "+1", "1 ", " 1", "1\n", "1\n\n", "1x", "0x", "-", "1,2", "1.5", "1e3",
	"2147483647", "2147483648", "4294967295", "4294967296", "9223372036854775807",
	"9223372036854775808", "18446744073709551615", "18446744073709551616",
	"-9223372036854775808", "-9223372036854775809", "99999999999999999999999999",
};

static const char * const names[] = {
	"vfs_write", "vfs_read", "ksys_write", "stack:vfs_write", "stack:ksys_read", "stack:",
	"errpath_target_caller", "errpath_target:errpath_target_caller", "errpath_target:",
	":errpath_target", "stack:errpath_scope:errpath_scope_above", "nosuch:nosuch",
	"nosuchfunction", "kmem_cache_alloc_noprof", "vfs_write.isra.0", "stack:stack:vfs_write",
	"dentry", "filp", "kmalloc-64", "slab", "page", "alloc", "vmalloc", "percpu",
	"GFP_KERNEL", "__GFP_ZERO", "GFP_KERNEL|__GFP_ZERO", "|", "GFP_", "0x1|GFP_ATOMIC",
	"1:1", "12345678:3+", "zz:1", "1:", ":1", "ffffffffffffffffff:1",
};

static const char * const between[] = { " ", ",", ", ", "\n", "\t", "  ", ",,", "" };

/* Values of task-filter that are not "no": then the points could fail any task. */
static const char * const filters[] = {
	"Y", "y", "1", "on", "yes", "Yes ", "maybe", "Y N", "2", "",
};

static size_t text_value(char *buf, size_t size, const char *text)
{
	return snprintf(buf, size, "%s", text);
}

/* Joins words as a list. */
static size_t list_value(struct random *r, char *buf, size_t size)
{
	size_t length = 0, words = random_once_in(r, 16) ? 300 : 1 + random_below(r, 4);

	while (words-- && length + 64 < size)
		length += snprintf(buf + length, size - length, "%s%s",
				   random_word(r, names, ARRAY_SIZE(names)),
				   words ? random_word(r, between, ARRAY_SIZE(between)) : "");
	return length;
}

static size_t long_value(struct random *r, char *buf, size_t size)
{
	size_t length = size / 2 + random_below(r, size / 2);

	memset(buf, random_once_in(r, 2) ? ' ' : '1', length);
	memcpy(buf, "1", 1);
	return length;
}

static size_t bytes_value(struct random *r, char *buf)
{
	size_t length = random_below(r, 64);

	random_bytes(r, buf, length);
	return length;
}

/* Only tasks of the test, and names of none. */
static size_t tasks_value(struct random *r, const struct shared *shared, char *buf, size_t size)
{
	static const char * const words[] = {
		"self", "process:self", "self self", "", "none", "-1", "0", "1x", "process:",
		"process:none", "999999999", "18446744073709551616", "self,", ",", "self\n",
	};
	pid_t pid = __atomic_load_n(&shared->pids[random_below(r, WORKERS)], __ATOMIC_RELAXED);

	if (random_once_in(r, 3))
		return text_value(buf, size, random_word(r, words, ARRAY_SIZE(words)));
	return snprintf(buf, size, "%s%d", random_once_in(r, 2) ? "process:" : "", pid);
}

size_t knob_value(struct random *r, const struct shared *shared, const char *knob, char *buf,
		  size_t size)
{
	if (!strcmp(knob, "task-filter"))
		return text_value(buf, size, random_word(r, filters, ARRAY_SIZE(filters)));
	if (!strcmp(knob, "tasks"))
		return tasks_value(r, shared, buf, size);
	/* A long delay in each allocation would only make the test slow. */
	if (!strcmp(knob, "delay-us") && !random_once_in(r, 4))
		return snprintf(buf, size, "%lu", random_below(r, 20));
	switch (random_below(r, 16)) {
	case 0:
		return bytes_value(r, buf);
	case 1:
		return long_value(r, buf, size);
	case 2 ... 5:
		return list_value(r, buf, size);
	default:
		return text_value(buf, size, random_word(r, numbers, ARRAY_SIZE(numbers)));
	}
}

static const char * const orders[] = {
	"1", "3", "-1", "100001", "traced", "notrace", "task", "atomic", "softirq", "irq", "loop",
	"kmalloc", "page", "percpu", "vmalloc", "go", "stop", "none", "object", "above", "inside",
	"outside", "random", "kprobe", "post_handler", "errpath_target", "0x200000000", "128M",
	"4M", "shift=9", "altmap", "shift=64", "16E", "system", "device", "4k", "2m", "all",
};

size_t order_value(struct random *r, char *buf, size_t size)
{
	size_t length = 0, words = random_below(r, 5);

	if (random_once_in(r, 8))
		return bytes_value(r, buf);
	if (random_once_in(r, 16))
		return long_value(r, buf, size);
	while (words--)
		length += snprintf(buf + length, size - length, "%s%s",
				   random_word(r, orders, ARRAY_SIZE(orders)), words ? " " : "");
	return length;
}
