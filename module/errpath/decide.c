// SPDX-License-Identifier: GPL-2.0
/*
 * Decide whether a call fails, by the rules of Documentation/fault-injection in the same
 * order. The kernel's should_fail() cannot be used: most kernels are built without it, it
 * consumes the task's fail-nth, and two CPUs can both take the last of its times. Here
 * every failure is counted exactly.
 */
#include <linux/percpu.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "decide.h"

/* Not get_random_*(), which takes a sleeping lock on PREEMPT_RT. */
static DEFINE_PER_CPU(struct rnd_state, rules_random);

/**
 * fault_rules_seed() - seed the random numbers, once when the module is loaded
 */
void fault_rules_seed(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		prandom_seed_state(per_cpu_ptr(&rules_random, cpu), get_random_u64());
}

/**
 * fault_rules_init() - set the rules to their defaults: no call fails
 * @rules: rules of a disarmed point
 */
void fault_rules_init(struct fault_rules *rules)
{
	*rules = (struct fault_rules) {
		.interval = 1,
		.times = ATOMIC_INIT(1),
	};
}

/**
 * fault_rules_armed() - test whether a call can fail, now or when times is raised
 * @rules: the rules
 */
bool fault_rules_armed(const struct fault_rules *rules)
{
	return rules->probability || rules->by_nth;
}

/**
 * fault_rules_spent() - test whether all failures of armed rules are done
 * @rules: the rules
 */
bool fault_rules_spent(const struct fault_rules *rules)
{
	if (rules->by_nth)
		return !atomic64_read(&rules->nth) && !atomic_read(&rules->after);
	return rules->probability && !atomic_read(&rules->times);
}

/**
 * fault_rules_endless() - test whether armed rules let calls fail without an end
 * @rules: the rules
 */
bool fault_rules_endless(const struct fault_rules *rules)
{
	return atomic_read(rules->by_nth ? &rules->after : &rules->times) == TIMES_NO_LIMIT;
}

static int calls_after_nth(const struct fault_rules *rules)
{
	int times = atomic_read(&rules->times);

	return times > 0 ? times - 1 : times;
}

/**
 * fault_rules_set_nth() - let the n-th call from now on fail, and those after it as times says
 * @rules: the rules
 * @nth: number of the call; 0: use the other rules
 *
 * @times itself does not count these failures, so that it holds for the next nth.
 */
void fault_rules_set_nth(struct fault_rules *rules, unsigned long nth)
{
	atomic_set(&rules->after, nth ? calls_after_nth(rules) : 0);
	atomic64_set(&rules->nth, nth);
	WRITE_ONCE(rules->by_nth, nth > 0);
}

/**
 * fault_rules_set_times() - set the number of failures that are left
 * @rules: the rules
 * @times: the number, or TIMES_NO_LIMIT
 */
void fault_rules_set_times(struct fault_rules *rules, int times)
{
	atomic_set(&rules->times, times);
	if (rules->by_nth && atomic64_read(&rules->nth))
		atomic_set(&rules->after, calls_after_nth(rules));
}

/* Subtract the size of a call that must succeed. False: no space is left for it. */
static bool take_space(atomic_t *space, int size)
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
	return probability == 100 ||
	       prandom_u32_state(this_cpu_ptr(&rules_random)) % 100 < probability;
}

static bool take_times(atomic_t *times)
{
	return atomic_read(times) == TIMES_NO_LIMIT || atomic_dec_if_positive(times) >= 0;
}

static bool decide_by_nth(struct fault_rules *rules)
{
	s64 left = atomic64_dec_if_positive(&rules->nth);

	return left < 0 ? take_times(&rules->after) : !left;
}

/**
 * fault_rules_decide() - decide whether a call fails
 * @rules: the rules
 * @size: what the call subtracts from the knob space
 *
 * Context: any; preemption is disabled.
 */
bool fault_rules_decide(struct fault_rules *rules, int size)
{
	unsigned long interval = READ_ONCE(rules->interval);

	if (READ_ONCE(rules->by_nth))
		return decide_by_nth(rules);
	if (!READ_ONCE(rules->probability) || !atomic_read(&rules->times))
		return false;
	if (take_space(&rules->space, size))
		return false;
	if (interval > 1 && (unsigned int)atomic_inc_return(&rules->count) % interval)
		return false;
	return roll_dice(READ_ONCE(rules->probability)) && take_times(&rules->times);
}
