// SPDX-License-Identifier: GPL-2.0
/*
 * Should this call fail: the rules of Documentation/fault-injection, in its
 * order, with code of our own. The kernel's should_fail() is no base: most
 * kernels lack it, it consumes the task's fail-nth, and two CPUs can both take
 * the last of its times. Here every failure is counted exactly.
 */
#include <linux/percpu.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "decide.h"

/* get_random_*() takes a sleeping lock on PREEMPT_RT. */
static DEFINE_PER_CPU(struct rnd_state, dice);

/**
 * fault_rules_seed() - once at load
 */
void fault_rules_seed(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		prandom_seed_state(per_cpu_ptr(&dice, cpu), get_random_u64());
}

/**
 * fault_rules_init() - back to the defaults: nothing fails
 * @rules: of a point that is not armed
 */
void fault_rules_init(struct fault_rules *rules)
{
	*rules = (struct fault_rules) {
		.interval = 1,
		.times = ATOMIC_INIT(1),
	};
}

/**
 * fault_rules_armed() - could a call fail, now or once times is raised
 * @rules: the rules
 */
bool fault_rules_armed(const struct fault_rules *rules)
{
	return rules->probability || rules->by_nth;
}

/**
 * fault_rules_spent() - armed, but all failures that were asked for are done
 * @rules: the rules
 */
bool fault_rules_spent(const struct fault_rules *rules)
{
	if (rules->by_nth)
		return !atomic64_read(&rules->nth);
	return rules->probability && !atomic_read(&rules->times);
}

/* Take @size off what must succeed first; false once less than that is left. */
static bool use_up_space(atomic_t *space, int size)
{
	int left = atomic_read(space);

	do {
		if (left <= size)
			return false;
	} while (!atomic_try_cmpxchg(space, &left, left - size));
	return true;
}

static bool roll_dice(unsigned long probability)
{
	return prandom_u32_state(this_cpu_ptr(&dice)) % 100 < probability;
}

static bool take_one(atomic_t *times)
{
	return atomic_read(times) == TIMES_NO_LIMIT || atomic_dec_if_positive(times) >= 0;
}

/**
 * fault_rules_should_fail() - decide about one call
 * @rules: the rules
 * @size: what the call takes off space
 *
 * Any context, preemption off.
 */
bool fault_rules_should_fail(struct fault_rules *rules, int size)
{
	unsigned long interval = READ_ONCE(rules->interval);

	if (READ_ONCE(rules->by_nth))
		return atomic64_dec_if_positive(&rules->nth) == 0;
	if (!READ_ONCE(rules->probability) || !atomic_read(&rules->times))
		return false;
	if (use_up_space(&rules->space, size))
		return false;
	if (interval > 1 && (unsigned int)atomic_inc_return(&rules->count) % interval)
		return false;
	return roll_dice(READ_ONCE(rules->probability)) && take_one(&rules->times);
}
