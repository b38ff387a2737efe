/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_DECIDE_H
#define ERRPATH_DECIDE_H

#include <linux/atomic.h>
#include <linux/types.h>

#define TIMES_NO_LIMIT	(-1)

/**
 * struct fault_rules - rules that say which of the calls that passed the filters fail
 * @probability: in percent; 0: no call fails
 * @interval: only each interval-th call can fail
 * @times: failures that are left, or TIMES_NO_LIMIT
 * @space: total size of the calls that succeed before any fails
 * @count: counts calls for @interval
 * @by_nth: the knob nth was written: use @nth and @after and no other rule
 * @nth: calls up to and including the one that fails; 0: it has failed
 * @after: calls behind that one that fail, too, or TIMES_NO_LIMIT: as @times says, less one
 */
struct fault_rules {
	unsigned long probability;
	unsigned long interval;
	atomic_t times;
	atomic_t space;
	atomic_t count;
	bool by_nth;
	atomic64_t nth;
	atomic_t after;
};

void fault_rules_seed(void);
void fault_rules_init(struct fault_rules *rules);
bool fault_rules_armed(const struct fault_rules *rules);
bool fault_rules_spent(const struct fault_rules *rules);
bool fault_rules_endless(const struct fault_rules *rules);
void fault_rules_set_nth(struct fault_rules *rules, unsigned long nth);
void fault_rules_set_times(struct fault_rules *rules, int times);
bool fault_rules_decide(struct fault_rules *rules, int size);

/*
 * Decide whether a call fails that subtracts @size from the knob space. The rules by which
 * every call fails come first. Any context; preemption is disabled.
 */
static __always_inline bool fault_rules_should_fail(struct fault_rules *rules, int size)
{
	if (READ_ONCE(rules->probability) == 100 && !READ_ONCE(rules->by_nth) &&
	    atomic_read(&rules->times) == TIMES_NO_LIMIT && READ_ONCE(rules->interval) <= 1 &&
	    !atomic_read(&rules->space))
		return true;
	return fault_rules_decide(rules, size);
}

#endif /* ERRPATH_DECIDE_H */
