// SPDX-License-Identifier: GPL-2.0
/* How long it takes to arm and to disarm the point alloc, with all its functions. */
#include "costs.h"

#include "lib/knobs.h"

#define POINT "alloc"
#define ROUNDS 5

/* The first round also looks names up, so it does not count. */
struct arming arming_mean(void)
{
	struct arming mean = {};
	int i;

	for (i = 0; i <= ROUNDS; i++) {
		long long start, armed, disarmed;

		start = now_ns();
		check(knob_set(POINT, "probability", "100"), "arming alloc");
		armed = now_ns();
		check(knob_set(POINT, "probability", "0"), "disarming alloc");
		disarmed = now_ns();
		if (!i)
			continue;
		mean.arm += (armed - start) / ROUNDS;
		mean.disarm += (disarmed - armed) / ROUNDS;
	}
	return mean;
}

void measure_arming(void)
{
	struct arming mean;

	check(knob_set(POINT, "times", "0"), "times");
	check(knob_set(POINT, "tasks", "%d", other_task()), "tasks");
	mean = arming_mean();
	report(POINT, "errpath", "arming", mean.arm);
	report(POINT, "errpath", "disarming", mean.disarm);
}
