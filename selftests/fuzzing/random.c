// SPDX-License-Identifier: GPL-2.0
/* The generator splitmix64. */
#include "fuzzing.h"

static unsigned long long random_next(struct random *r)
{
	unsigned long long z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void random_seed(struct random *r, unsigned long long seed)
{
	r->state = seed;
}

unsigned long random_below(struct random *r, unsigned long n)
{
	return random_next(r) % n;
}

bool random_once_in(struct random *r, unsigned long n)
{
	return !random_below(r, n);
}

const char *random_word(struct random *r, const char * const *words, size_t n)
{
	return words[random_below(r, n)];
}

void random_bytes(struct random *r, char *buf, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buf[i] = random_next(r);
}
