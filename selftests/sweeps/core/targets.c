// SPDX-License-Identifier: GPL-2.0
/*
 * The list of calls to fail. A target is a call stack and its occurrence: the number of a call
 * differs from run to run, its stack does not.
 */
#include "core.h"
#include "lib/file.h"
#include "lib/knobs.h"
#include "run.h"
#include "targets.h"

#define NO_STACK "ffffffff"	/* no stack has this id */
#define MAX_TARGETS 2048
#define FNV1A_START 0xcbf29ce484222325

static struct target targets[MAX_TARGETS];
static int nr_targets;

static const struct target nothing = {
	.stack.id = NO_STACK,
	.occurrence = 1,
	.hash = "0000000000000000",
};

static struct stacks stacks;
static unsigned long survey_digest;

int targets_count(void)
{
	return nr_targets;
}

const struct target *targets_get(int i)
{
	return &targets[i];
}

static unsigned long hash_fnv1a(unsigned long hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

static unsigned long hash_stack(unsigned long hash, const struct stack *s, long number)
{
	char text[32];

	snprintf(text, sizeof(text), "#%ld", number);
	hash = hash_fnv1a(hash, s->function);
	hash = hash_fnv1a(hash, s->frames);
	return hash_fnv1a(hash, text);
}

static void target_set_hash(struct target *t)
{
	unsigned long hash = hash_stack(FNV1A_START, &t->stack, t->occurrence);

	if (t->first)
		hash = hash_fnv1a(hash, t->first->hash);
	snprintf(t->hash, sizeof(t->hash), "%016lx", hash);
}

const struct target *targets_nothing(void)
{
	return &nothing;
}

bool target_is_nothing(const struct target *t)
{
	return t == &nothing;
}

const struct target *targets_lookup(const char *hash)
{
	if (!strcmp(nothing.hash, hash))
		return &nothing;
	for (int i = 0; i < nr_targets; i++) {
		if (!strcmp(targets[i].hash, hash))
			return &targets[i];
	}
	return NULL;
}

static void targets_add(const struct stack *s, long occurrence, const struct target *first)
{
	struct target *t = &targets[nr_targets];

	if (nr_targets == MAX_TARGETS)
		bail_on_error(-ENOSPC, "too many targets: enlarge MAX_TARGETS");
	t->stack = *s;
	t->occurrence = occurrence;
	t->first = first;
	target_set_hash(t);
	if (!targets_lookup(t->hash))
		nr_targets++;
}

void targets_survey(void)
{
	bail_on_error(knob_set(options.point, "stacks", "Y"), "stacks");
	run_once();
	bail_on_error(stacks_read(options.point, &stacks), "stacks");
	survey_digest = FNV1A_START;
	for (int i = 0; i < stacks.nr; i++) {
		const struct stack *s = &stacks.at[i];

		survey_digest = hash_stack(survey_digest, s, s->seen);
		for (long n = 1; n <= s->seen && n <= options.occurrences; n++)
			targets_add(s, n, NULL);
	}
}

unsigned long targets_survey_digest(void)
{
	return survey_digest;
}

/* True if one of the first @nr targets has these frames in a run without an earlier failure. */
static bool targets_have_frames(int nr, const char *frames)
{
	for (int i = 0; i < nr; i++) {
		if (!targets[i].first && !strcmp(targets[i].stack.frames, frames))
			return true;
	}
	return false;
}

void targets_add_pairs(const struct target *first)
{
	int nr = nr_targets;

	bail_on_error(stacks_read(options.point, &stacks), "stacks");
	for (int i = 0; i < stacks.nr; i++) {
		if (!targets_have_frames(nr, stacks.at[i].frames))
			targets_add(&stacks.at[i], 1, first);
	}
}

static unsigned long target_number(const struct target *t)
{
	return strtoul(t->hash, NULL, 16);
}

unsigned long targets_digest(void)
{
	unsigned long digest = 0;

	for (int i = 0; i < nr_targets; i++)
		digest ^= target_number(&targets[i]);
	return digest;
}

bool target_is_in_lane(const struct target *t)
{
	return target_number(t) % options.lanes == options.lane;
}

/* Not by the digits that select the lane: each shard has targets for all of its lanes. */
bool target_is_in_shard(const struct target *t)
{
	return (target_number(t) >> 32) % options.shards == options.shard - 1;
}

/* True if @list, names with commas between, has the name of @length characters. */
static bool list_has(const char *list, const char *name, size_t length)
{
	while (*list) {
		size_t next = strcspn(list, ",");

		if (next == length && !strncmp(list, name, length))
			return true;
		list += next;
		list += *list == ',';
	}
	return false;
}

bool target_is_selected(const struct target *t)
{
	const char *frame = t->stack.frames;

	if (!options.under || list_has(options.under, t->hash, strlen(t->hash)))
		return true;
	while (*frame) {
		/* A name ends at its offset, or at a suffix of the compiler: f.isra.0+0x1/0x2. */
		if (list_has(options.under, frame, strcspn(frame, ".+\t")))
			return true;
		frame += strcspn(frame, "\t");
		frame += *frame == '\t';
	}
	return false;
}

bool target_is_done(const struct target *t)
{
	static char done[MAX_TARGETS * 32];

	if (!options.done_list)
		return false;
	if (!*done && file_read(options.done_list, done, sizeof(done)) < 0)
		snprintf(done, sizeof(done), "-");
	return strstr(done, t->hash);
}

void target_known_name(const struct target *t, char *name, size_t size)
{
	const char *frame = t->stack.frames;
	size_t used = 0;

	while (*frame && used < size - 256) {
		used += snprintf(name + used, size - used, "%s%.*s", used ? "<" : "",
				 (int)strcspn(frame, ".+\t"), frame);
		frame += strcspn(frame, "\t");
		frame += *frame == '\t';
	}
	snprintf(name + used, size - used, "#%ld", t->occurrence);
}

void targets_select(const struct target *t)
{
	const char *all = options.persistent ? "+" : "";
	const struct target *first = t->first;
	int err;

	if (first)
		err = knob_set(options.point, "targets", "%s:%ld %s:%ld%s", first->stack.id,
			       first->occurrence, t->stack.id, t->occurrence, all);
	else
		err = knob_set(options.point, "targets", "%s:%ld%s", t->stack.id, t->occurrence,
			       all);
	bail_on_error(err, "targets");
}

int targets_select_none(void)
{
	return knob_set(options.point, "targets", NO_STACK);
}

long targets_injected(void)
{
	struct stats s;

	bail_on_error(stats_read(options.point, &s), "stats");
	return s.injected;
}
