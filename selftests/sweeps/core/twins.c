// SPDX-License-Identifier: GPL-2.0
/* Runs in twins: guests that are restored from one template, one for each target. */
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core.h"
#include "judge.h"
#include "lib/fw_cfg.h"
#include "records.h"
#include "targets.h"
#include "twins.h"

/* An item of fw_cfg, which scripts/host/twins.py writes. */
#define ITEM "opt/errpath/twin"
/* Bytes; the program uses less. */
#define STACK (256 * 1024)
#define HEAP (1024 * 1024)

/*
 * The template is stopped somewhere in this loop. If this is while it reads, it goes on with the
 * other orders in the middle of them: only what ends in "go" counts.
 */
static char *orders_wait(void)
{
	bool said = false;
	char *text;

	bail_on_error(fw_cfg_open(), "fw_cfg");
	while ((text = fw_cfg_read(ITEM)) && !strstr(text, "\ngo\n")) {
		if (!said)
			send_waiting(targets_count());
		said = true;
		free(text);
		usleep(10000);
	}
	fw_cfg_close();
	bail_on_error(text ? 0 : -ENOENT, ITEM);
	return text;
}

static struct verdict verdict;

struct orders {
	char hash[32];	/* of the target that fails first */
	char then[32];	/* of one to fail behind it, or "" */
};

/* A line is "target HASH", "then HASH", or "NAME DIFFERENCE" of a gauge of the clean twin. */
static void orders_follow(struct orders *o, char *text, struct verdict *v)
{
	char *line, name[128];
	long difference;

	memset(o, 0, sizeof(*o));
	while ((line = strsep(&text, "\n")) && strcmp(line, "go")) {
		if (!strncmp(line, "target ", 7))
			snprintf(o->hash, sizeof(o->hash), "%s", line + 7);
		else if (!strncmp(line, "then ", 5))
			snprintf(o->then, sizeof(o->then), "%s", line + 5);
		else if (sscanf(line, "%127s %ld", name, &difference) == 2)
			verdict_twin(v, name, difference);
	}
}

static const struct target *orders_target(const char *hash)
{
	const struct target *t = targets_lookup(hash);

	bail_on_error(t ? 0 : -ENOENT, hash);
	return t;
}

/* Makes the heap and the stack larger than they need to be. */
static void program_grow(void)
{
	char stack[STACK], *heap;

	explicit_bzero(stack, sizeof(stack));
	mallopt(M_TRIM_THRESHOLD, 2 * HEAP);
	mallopt(M_MMAP_THRESHOLD, 2 * HEAP);
	heap = malloc(HEAP);
	bail_on_error(heap ? 0 : -ENOMEM, "heap");
	explicit_bzero(heap, HEAP);
	free(heap);
}

/* Sends the targets from number @first on that are to be judged. @all: of any shard. */
static void send_found_from(int first, bool all)
{
	for (int i = first; i < targets_count(); i++) {
		const struct target *t = targets_get(i);

		if (target_is_selected(t) && (all || target_is_in_shard(t)))
			send_found(t->hash);
	}
}

/* Takes the pages of a mapping, a line of /proc/self/maps, if it can be written or is of a file. */
static void mapping_take(const char *line)
{
	unsigned long start, end;
	char mode[8];
	int advice;

	if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) != 3)
		return;
	if (mode[1] == 'w')
		advice = MADV_POPULATE_WRITE;
	else if (mode[0] == 'r' && strchr(line, '/'))
		advice = MADV_POPULATE_READ;
	else
		return;
	bail_on_error(madvise((void *)start, end - start, advice) ? -errno : 0, line);
}

/*
 * Takes all memory that this program can need, and its own copies of the pages that it shares with
 * the idle task, so that none of its pages is new in one twin only, for example because of a line
 * of the log. Pages of its code and constants, too, as the kernel counts what is mapped.
 */
void twins_prepare(void)
{
	char line[256];
	FILE *maps;

	program_grow();
	maps = fopen("/proc/self/maps", "re");
	bail_on_error(maps ? 0 : -errno, "/proc/self/maps");
	while (fgets(line, sizeof(line), maps))
		mapping_take(line);
	fclose(maps);
}

void twins_open(void)
{
	/* What a program does for the first time costs memory: do it before all are the same. */
	judge_target(targets_nothing());
	bail_on_error(verdict_open(&verdict), "verdict");
	verdict_twins(&verdict);
}

void twins_run(void)
{
	int found = targets_count();
	struct orders orders;

	send_found_from(0, false);
	orders_follow(&orders, orders_wait(), &verdict);
	judge_twin(orders_target(orders.hash), &verdict);
	send_found_from(found, true);
	if (*orders.then)
		judge_target(orders_target(orders.then));
	send_end(targets_count(), targets_digest());
}
