/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZING_FUZZING_H
#define FUZZING_FUZZING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define WORKERS 4

/* Random numbers that depend only on the seed. */
struct random {
	unsigned long long state;
};

void random_seed(struct random *r, unsigned long long seed);
/* Returns a number below @n. */
unsigned long random_below(struct random *r, unsigned long n);
/* Returns true once in @n calls, on average. */
bool random_once_in(struct random *r, unsigned long n);
/* Returns one of @n words. */
const char *random_word(struct random *r, const char * const *words, size_t n);
void random_bytes(struct random *r, char *buf, size_t size);

/*
 * What all workers share, and read and write by __atomic functions. @pids: of the living ones, the
 * only tasks that a point may fail; @accepted and @refused: what the actions did, in the order of
 * actions[].
 */
struct shared {
	pid_t pids[WORKERS];
	unsigned long accepted[16], refused[16];
};

/*
 * Makes a value for a knob, mostly of the form that the knob accepts. Never a value that
 * lets other tasks fail than the workers. Returns the number of bytes.
 */
size_t knob_value(struct random *r, const struct shared *shared, const char *knob, char *buf,
		  size_t size);
/* Makes an order for a file of a stimulus module. */
size_t order_value(struct random *r, char *buf, size_t size);

/* One thing that a worker does. Returns whether errpath, or the kernel, accepted it. */
struct action {
	const char *name;
	bool (*act)(struct random *r, const struct shared *shared);
};

extern const struct action actions[];
extern const int nr_actions;

#endif
