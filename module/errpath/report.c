// SPDX-License-Identifier: GPL-2.0
/*
 * Lines in the kernel log. A handler must not print: its caller can hold a lock
 * that a console takes. So it fills a slot of a ring, and an interrupt work prints
 * as soon as interrupts are on again.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "report.h"

#define SLOTS	64	/* a power of two */

/* One slot of the ring. */
struct slot {
	struct report report;
	enum { FREE, FILLED } state;
};

static struct slot ring[SLOTS];
/*
 * Slots from @tail up to @head are taken: filled, or being filled by a CPU that can be
 * interrupted meanwhile.
 */
static atomic_t head, tail;
static atomic_t dropped;
static atomic_t printing;

static struct slot *slot_at(int index)
{
	return &ring[(unsigned int)index % SLOTS];
}

static bool is_filled(struct slot *slot)
{
	/* pairs with smp_store_release() in report_end() */
	return smp_load_acquire(&slot->state) == FILLED;
}

static void print_frames(const struct report *report)
{
	unsigned int i;

	if (!report->nr_frames)
		return;
	pr_notice("Call Trace:\n");
	for (i = 0; i < report->nr_frames; i++)
		pr_notice(" %pS\n", (void *)report->frames[i]);
}

static void print_report(const struct report *report)
{
	if (!__ratelimit(report->ratelimit))
		return;
	pr_notice("inject %s: %s() %s, call %llu, pid %d (%s), caller %pS\n", report->point,
		  report->function, report->what, report->nth, report->pid, report->comm,
		  (void *)report->caller);
	print_frames(report);
}

static void print_all(void)
{
	struct slot *slot;
	int lost;

	while (is_filled(slot = slot_at(atomic_read(&tail)))) {
		print_report(&slot->report);
		slot->state = FREE;
		/* pairs with atomic_read_acquire() in report_begin(): the slot is free */
		atomic_inc_return_release(&tail);
	}
	lost = atomic_xchg(&dropped, 0);
	if (lost)
		pr_notice("inject: %d lines dropped, the log was too slow\n", lost);
}

/* One CPU prints. Another that comes meanwhile leaves its lines to that one. */
static void print_work(struct irq_work *work)
{
	do {
		if (atomic_xchg_acquire(&printing, 1))
			return;
		print_all();
		atomic_set_release(&printing, 0);
		/* a slot that was filled before another CPU saw printing is seen below */
		smp_mb__after_atomic();
	} while (is_filled(slot_at(atomic_read(&tail))));
}

static struct irq_work print_irq_work = IRQ_WORK_INIT(print_work);

/**
 * report_begin() - take a slot for a line
 *
 * Context: any, preemption is off.
 *
 * Return: a report to be filled and given to report_end(), or NULL if the ring is
 * full; the line is then counted as dropped.
 */
struct report __kprobes *report_begin(void)
{
	int index = atomic_read(&head);

	do {
		/* pairs with atomic_inc_return_release() in print_all() */
		if (index - atomic_read_acquire(&tail) >= SLOTS) {
			atomic_inc(&dropped);
			return NULL;
		}
	} while (!atomic_try_cmpxchg(&head, &index, index + 1));
	return &slot_at(index)->report;
}

/**
 * report_end() - have a line printed soon
 * @report: from report_begin(), filled
 *
 * Context: any, preemption is off.
 */
void __kprobes report_end(struct report *report)
{
	/* pairs with smp_load_acquire() in is_filled() */
	smp_store_release(&container_of(report, struct slot, report)->state, FILLED);
	irq_work_queue(&print_irq_work);
}

/**
 * report_flush() - wait until all lines are printed
 *
 * Context: may sleep. No handler of whom it is called for runs any more.
 */
void report_flush(void)
{
	irq_work_sync(&print_irq_work);
	/* It knows of the CPU that ran the work last only. */
	while (atomic_read_acquire(&printing))
		msleep(20);
}
