/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ERRPATH_DECIDE_H
#define ERRPATH_DECIDE_H

#include <linux/atomic.h>
#include <linux/types.h>

#define TIMES_NO_LIMIT	(-1)

/**
 * struct fault_rules - when does a call that passed all filters fail
 * @probability: percent, 0: never
 * @interval: only every interval-th call that gets this far
 * @times: failures left, TIMES_NO_LIMIT: no limit
 * @space: the size of calls that must succeed first
 * @count: calls counted for @interval
 * @by_nth: nth was written and rules alone
 * @nth: calls left until the one that fails, 0: it has failed
 */
struct fault_rules {
	unsigned long probability;
	unsigned long interval;
	atomic_t times;
	atomic_t space;
	atomic_t count;
	bool by_nth;
	atomic64_t nth;
};

void fault_rules_seed(void);
void fault_rules_init(struct fault_rules *rules);
bool fault_rules_armed(const struct fault_rules *rules);
bool fault_rules_spent(const struct fault_rules *rules);
bool fault_rules_should_fail(struct fault_rules *rules, int size);

#endif /* ERRPATH_DECIDE_H */
