// SPDX-License-Identifier: GPL-2.0
/*
 * Lines in the kernel log. A handler must not print, because its caller can hold a lock
 * that a console takes. So the handler fills a slot of a ring, and an irq_work prints the
 * line as soon as interrupts are enabled again.
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
 * Slots from @tail up to @head are in use: filled, or being filled by a CPU, which an
 * interrupt can delay.
 */
static atomic_t head, tail;
static atomic_t dropped;
static atomic_t printing;

static struct slot *ring_slot(int index)
{
	return &ring[(unsigned int)index % SLOTS];
}

static bool slot_is_filled(struct slot *slot)
{
	/* pairs with smp_store_release() in report_end() */
	return smp_load_acquire(&slot->state) == FILLED;
}

static void report_print_frames(const struct report *report)
{
	unsigned int i;

	if (!report->nr_frames)
		return;
	pr_notice("Call Trace:\n");
	for (i = 0; i < report->nr_frames; i++)
		pr_notice(" %pS\n", (void *)report->frames[i]);
}

static void report_print(const struct report *report)
{
	if (!__ratelimit(report->ratelimit))
		return;
	pr_notice("inject %s: %s() %s, call %llu, pid %d (%s), caller %pS\n", report->point,
		  report->function, report->what, report->nth, report->pid, report->comm,
		  (void *)report->caller);
	report_print_frames(report);
}

static void ring_print_all(void)
{
	struct slot *slot;
	int nr_dropped;

	while (slot_is_filled(slot = ring_slot(atomic_read(&tail)))) {
		report_print(&slot->report);
		slot->state = FREE;
		/* pairs with atomic_read_acquire() in report_begin(): the slot is free */
		atomic_inc_return_release(&tail);
	}
	nr_dropped = atomic_xchg(&dropped, 0);
	if (nr_dropped)
		pr_notice("inject: %d lines dropped, they came faster than they are printed\n",
			  nr_dropped);
}

/* Only one CPU prints at a time; it also prints the lines of other CPUs. */
static void report_work(struct irq_work *work)
{
	do {
		if (atomic_xchg_acquire(&printing, 1))
			return;
		ring_print_all();
		atomic_set_release(&printing, 0);
		/* look again: another CPU may have filled a slot and left it to this CPU */
		smp_mb__after_atomic();
	} while (slot_is_filled(ring_slot(atomic_read(&tail))));
}

static struct irq_work report_irq_work = IRQ_WORK_INIT(report_work);

/**
 * report_begin() - reserve a slot for a line
 *
 * Context: any, but preemption is disabled.
 *
 * Return: a report to fill and to pass to report_end(), or NULL if the ring is full; the
 * line is then counted as dropped.
 */
struct report __kprobes *report_begin(void)
{
	int index = atomic_read(&head);

	do {
		/* pairs with atomic_inc_return_release() in ring_print_all() */
		if (index - atomic_read_acquire(&tail) >= SLOTS) {
			atomic_inc(&dropped);
			return NULL;
		}
	} while (!atomic_try_cmpxchg(&head, &index, index + 1));
	return &ring_slot(index)->report;
}

/**
 * report_end() - print a line as soon as possible
 * @report: from report_begin(), filled
 *
 * Context: any, but preemption is disabled.
 */
void __kprobes report_end(struct report *report)
{
	/* pairs with smp_load_acquire() in slot_is_filled() */
	smp_store_release(&container_of(report, struct slot, report)->state, FILLED);
	irq_work_queue(&report_irq_work);
}

/**
 * report_flush() - wait until all lines are printed
 *
 * Covers the lines of handlers that have ended.
 *
 * Context: may sleep.
 */
void report_flush(void)
{
	irq_work_sync(&report_irq_work);
	/* irq_work_sync() waits only for the CPU that ran the work last. */
	while (atomic_read_acquire(&printing))
		msleep(20);
}
