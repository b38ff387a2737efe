// SPDX-License-Identifier: GPL-2.0
/*
 * The channel between guest and host: what hv_vmbus does with ring buffers and
 * interrupts, done with a queue and the channel's own tasklet.
 *
 * Packets lie in a fixed ring, as they do on Hyper-V: nothing is allocated, for
 * the guest may send with interrupts off, and a test counts allocations.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "sim.h"

static struct sim_bus *bus_of(struct vmbus_channel *channel)
{
	return container_of(channel, struct sim_bus, channel);
}

static struct sim_packet *next_packet(struct sim_bus *bus)
{
	return bus->queued ? &bus->queue[bus->head] : NULL;
}

static bool is_due(const struct sim_packet *packet)
{
	return time_after_eq(jiffies, packet->due);
}

/*
 * Ticks until the guest may read the next packet, -1: no packet is queued. Read
 * jiffies once: a time in the past must not look like "no packet".
 */
static long next_due(struct sim_bus *bus)
{
	struct sim_packet *packet;
	unsigned long flags;
	long due = -1;

	raw_spin_lock_irqsave(&bus->lock, flags);
	packet = next_packet(bus);
	if (packet)
		due = max(0L, (long)(packet->due - jiffies));
	raw_spin_unlock_irqrestore(&bus->lock, flags);
	return due;
}

static void wake(struct sim_bus *bus)
{
	long due = next_due(bus);

	if (!due)
		tasklet_schedule(&bus->channel.callback_event);
	else if (due > 0)
		schedule_delayed_work(&bus->later, due);
}

static void wake_later(struct work_struct *work)
{
	wake(container_of(work, struct sim_bus, later.work));
}

/* The host's interrupt. As on Hyper-V it comes again while the ring is not empty. */
static void call_guest(unsigned long data)
{
	struct sim_bus *bus = (struct sim_bus *)data;
	void (*callback)(void *context) = READ_ONCE(bus->channel.onchannel_callback);

	if (!callback)
		return;
	callback(bus->channel.channel_callback_context);
	wake(bus);
}

static void write_packet(struct sim_packet *packet, u16 type, u64 transaction,
			 const void *payload, u32 len)
{
	struct vmpacket_descriptor *desc = (struct vmpacket_descriptor *)packet->data;

	packet->len = ALIGN(sizeof(*desc) + len, 8);
	memset(packet->data, 0, packet->len);
	*desc = (struct vmpacket_descriptor) {
		.type = type,
		.offset8 = sizeof(*desc) / 8,
		.len8 = packet->len / 8,
		.trans_id = transaction,
	};
	memcpy(desc + 1, payload, len);
}

/**
 * channel_to_guest() - put a packet on its way
 * @bus: whose driver is to get it
 * @type: VM_PKT_DATA_INBAND or VM_PKT_COMP
 * @transaction: what it answers
 * @payload: what follows the descriptor
 * @len: its size
 * @delay_ms: when the guest may see it
 *
 * Any context.
 */
void channel_to_guest(struct sim_bus *bus, u16 type, u64 transaction, const void *payload,
		      u32 len, u32 delay_ms)
{
	struct sim_packet *packet;
	unsigned long flags;
	bool full;

	raw_spin_lock_irqsave(&bus->lock, flags);
	full = bus->queued == SIM_QUEUE;
	if (!full) {
		packet = &bus->queue[(bus->head + bus->queued) % SIM_QUEUE];
		packet->due = jiffies + msecs_to_jiffies(delay_ms);
		write_packet(packet, type, transaction, payload, len);
		bus->queued++;
	}
	raw_spin_unlock_irqrestore(&bus->lock, flags);
	if (full)
		pr_err("the guest does not read its ring buffer: a packet is lost\n");
	wake(bus);
}

static void discard_packets(struct sim_bus *bus)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&bus->lock, flags);
	bus->queued = 0;
	raw_spin_unlock_irqrestore(&bus->lock, flags);
}

/* Request ids, for hv_vmbus's functions that hand them out and match them. */
static int alloc_requestor(struct vmbus_channel *channel)
{
	struct vmbus_requestor *requestor = &channel->requestor;
	u32 i, size = channel->rqstor_size;

	requestor->req_arr = kcalloc(size, sizeof(u64), GFP_KERNEL);
	requestor->req_bitmap = bitmap_zalloc(size, GFP_KERNEL);
	if (!requestor->req_arr || !requestor->req_bitmap) {
		kfree(requestor->req_arr);
		bitmap_free(requestor->req_bitmap);
		return -ENOMEM;
	}
	/* a list of free ids, each the index of the next */
	for (i = 0; i < size; i++)
		requestor->req_arr[i] = i + 1;
	requestor->size = size;
	requestor->next_request_id = 0;
	spin_lock_init(&requestor->req_lock);
	return 0;
}

static void free_requestor(struct vmbus_channel *channel)
{
	kfree(channel->requestor.req_arr);
	bitmap_free(channel->requestor.req_bitmap);
	channel->requestor = (struct vmbus_requestor) {};
}

static int do_open(struct vmbus_channel *channel, void (*callback)(void *context), void *context)
{
	int err = alloc_requestor(channel);

	if (err)
		return err;
	discard_packets(bus_of(channel));
	channel->channel_callback_context = context;
	WRITE_ONCE(channel->onchannel_callback, callback);
	channel->state = CHANNEL_OPENED_STATE;
	return 0;
}

static void do_close(struct vmbus_channel *channel)
{
	unsigned long flags;

	/* the callback may run: it ends first; who polls looks and calls under the lock */
	tasklet_disable(&channel->callback_event);
	spin_lock_irqsave(&channel->sched_lock, flags);
	WRITE_ONCE(channel->onchannel_callback, NULL);
	spin_unlock_irqrestore(&channel->sched_lock, flags);
	tasklet_enable(&channel->callback_event);
	discard_packets(bus_of(channel));
	free_requestor(channel);
	channel->state = CHANNEL_OPEN_STATE;
	/* what was mapped and unmapped meanwhile must not look like a leak */
	vm_unmap_aliases();
}

static int do_send(struct vmbus_channel *channel, void *buffer, u32 len, u64 request, u64 *id,
		   u32 flags)
{
	u64 transaction = request;

	if (channel->rescind)
		return -ENODEV;
	if (flags & VMBUS_DATA_PACKET_FLAG_COMPLETION_REQUESTED &&
	    channel->next_request_id_callback) {
		transaction = channel->next_request_id_callback(channel, request);
		if (transaction == VMBUS_RQST_ERROR)
			return -EAGAIN;
	}
	if (id)
		*id = transaction;
	host_receive(bus_of(channel), buffer, len, transaction);
	return 0;
}

/* As on Hyper-V: 0 bytes when there is nothing to read, -ENOBUFS tells how many are needed. */
static int do_receive(struct vmbus_channel *channel, void *buffer, u32 size, u32 *len, u64 *id)
{
	struct sim_bus *bus = bus_of(channel);
	struct sim_packet *packet;
	unsigned long flags;
	int err = 0;

	*len = 0;
	*id = 0;
	raw_spin_lock_irqsave(&bus->lock, flags);
	packet = next_packet(bus);
	if (packet && is_due(packet)) {
		*len = packet->len;
		*id = ((struct vmpacket_descriptor *)packet->data)->trans_id;
		if (packet->len > size) {
			err = -ENOBUFS;
		} else {
			memcpy(buffer, packet->data, packet->len);
			bus->head = (bus->head + 1) % SIM_QUEUE;
			bus->queued--;
		}
	}
	raw_spin_unlock_irqrestore(&bus->lock, flags);
	return err;
}

/* The functions of hv_vmbus whose place we take. */

enum { OPEN, CLOSE, SEND, SEND_GETID, RECEIVE, ADD_DRIVER, REMOVE_DRIVER, NR_REDIRECTS };

struct redirect {
	struct intercept ic;
	void *to;
};

static struct redirect redirects[NR_REDIRECTS];

static int sim_open(struct vmbus_channel *channel, u32 send_size, u32 receive_size, void *user,
		    u32 user_len, void (*callback)(void *context), void *context)
{
	int err = do_open(channel, callback, context);

	intercept_redirect_done(&redirects[OPEN].ic);
	return err;
}

static void sim_close(struct vmbus_channel *channel)
{
	do_close(channel);
	intercept_redirect_done(&redirects[CLOSE].ic);
}

static int sim_send(struct vmbus_channel *channel, void *buffer, u32 len, u64 request,
		    enum vmbus_packet_type type, u32 flags)
{
	int err = do_send(channel, buffer, len, request, NULL, flags);

	intercept_redirect_done(&redirects[SEND].ic);
	return err;
}

static int sim_send_getid(struct vmbus_channel *channel, void *buffer, u32 len, u64 request,
			  u64 *id, enum vmbus_packet_type type, u32 flags)
{
	int err = do_send(channel, buffer, len, request, id, flags);

	intercept_redirect_done(&redirects[SEND_GETID].ic);
	return err;
}

static int sim_receive(struct vmbus_channel *channel, void *buffer, u32 size, u32 *len, u64 *id)
{
	int err = do_receive(channel, buffer, size, len, id);

	intercept_redirect_done(&redirects[RECEIVE].ic);
	return err;
}

static int sim_add_driver(struct hv_driver *driver, struct module *owner, const char *name)
{
	int err = bus_add_driver(driver, owner, name);

	intercept_redirect_done(&redirects[ADD_DRIVER].ic);
	return err;
}

static void sim_remove_driver(struct hv_driver *driver)
{
	bus_remove_driver(driver);
	intercept_redirect_done(&redirects[REMOVE_DRIVER].ic);
}

static void __kprobes go_elsewhere(struct intercept *ic, struct pt_regs *regs,
				   unsigned long caller)
{
	intercept_redirect(ic, regs, container_of(ic, struct redirect, ic)->to);
}

#define REDIRECT(from, function) { \
	.ic = { .symbol = SIM_VMBUS from, .handler = go_elsewhere }, \
	.to = function, \
}

static struct redirect redirects[NR_REDIRECTS] = {
	[OPEN] = REDIRECT("vmbus_open", sim_open),
	[CLOSE] = REDIRECT("vmbus_close", sim_close),
	[SEND] = REDIRECT("vmbus_sendpacket", sim_send),
	[SEND_GETID] = REDIRECT("vmbus_sendpacket_getid", sim_send_getid),
	[RECEIVE] = REDIRECT("vmbus_recvpacket_raw", sim_receive),
	[ADD_DRIVER] = REDIRECT("__vmbus_driver_register", sim_add_driver),
	[REMOVE_DRIVER] = REDIRECT("vmbus_driver_unregister", sim_remove_driver),
};

static void list_redirects(struct intercept *ics[NR_REDIRECTS])
{
	unsigned int i;

	for (i = 0; i < NR_REDIRECTS; i++)
		ics[i] = &redirects[i].ic;
}

/**
 * channel_redirect() - take the place of hv_vmbus's channel functions
 *
 * May sleep.
 *
 * Return: 0 or an error of intercept_install_all(), and nothing is redirected.
 */
int channel_redirect(void)
{
	struct intercept *ics[NR_REDIRECTS];

	list_redirects(ics);
	return intercept_install_all(ics, NR_REDIRECTS);
}

/**
 * channel_restore() - leave them alone again
 *
 * May sleep.
 */
void channel_restore(void)
{
	struct intercept *ics[NR_REDIRECTS];

	list_redirects(ics);
	intercept_remove_all(ics, NR_REDIRECTS);
}

/**
 * channel_init() - for a bus that is to be offered
 * @bus: zeroed
 */
void channel_init(struct sim_bus *bus)
{
	struct vmbus_channel *channel = &bus->channel;

	raw_spin_lock_init(&bus->lock);
	INIT_DELAYED_WORK(&bus->later, wake_later);
	channel->device_obj = &bus->hdev;
	channel->state = CHANNEL_OPEN_STATE;
	spin_lock_init(&channel->sched_lock);
	tasklet_init(&channel->callback_event, call_guest, (unsigned long)bus);
	bus->hdev.channel = channel;
}

/**
 * channel_exit() - after the driver has closed it
 * @bus: its bus
 *
 * May sleep.
 */
void channel_exit(struct sim_bus *bus)
{
	discard_packets(bus);
	cancel_delayed_work_sync(&bus->later);
	tasklet_kill(&bus->channel.callback_event);
}
