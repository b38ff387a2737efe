// SPDX-License-Identifier: GPL-2.0
/*
 * The channel from the host to the guest: a queue of packets and the channel's tasklet replace
 * the ring buffer and the interrupt of hv_vmbus.
 *
 * The queue is a fixed ring, as on Hyper-V. Nothing is allocated for a packet, because the guest
 * may send with interrupts off, and tests count allocations.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "sim.h"

static struct sim_packet *channel_next_packet(struct sim_bus *bus)
{
	return bus->queued ? &bus->queue[bus->head] : NULL;
}

static bool packet_is_due(const struct sim_packet *packet)
{
	return time_after_eq(jiffies, packet->due);
}

/*
 * Return the ticks until the guest may read the next packet, or -1 if no packet is queued. Read
 * jiffies once: a time in the past must not look like "no packet".
 */
static long channel_next_due(struct sim_bus *bus)
{
	struct sim_packet *packet;
	unsigned long flags;
	long due = -1;

	raw_spin_lock_irqsave(&bus->lock, flags);
	packet = channel_next_packet(bus);
	if (packet)
		due = max(0L, (long)(packet->due - jiffies));
	raw_spin_unlock_irqrestore(&bus->lock, flags);
	return due;
}

static void channel_wake_guest(struct sim_bus *bus)
{
	long due = channel_next_due(bus);

	if (!due)
		tasklet_schedule(&bus->channel.callback_event);
	else if (due > 0)
		schedule_delayed_work(&bus->later, due);
}

static void channel_wake_later(struct work_struct *work)
{
	channel_wake_guest(container_of(work, struct sim_bus, later.work));
}

/* The interrupt of the host. As on Hyper-V, it repeats while the ring is not empty. */
static void channel_call_guest(unsigned long data)
{
	struct sim_bus *bus = (struct sim_bus *)data;
	void (*callback)(void *context) = READ_ONCE(bus->channel.onchannel_callback);

	if (!callback)
		return;
	callback(bus->channel.channel_callback_context);
	channel_wake_guest(bus);
}

static void packet_write(struct sim_packet *packet, u16 type, u64 transaction,
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
 * channel_send() - send a packet to the guest
 * @bus: bus whose driver gets the packet
 * @type: VM_PKT_DATA_INBAND or VM_PKT_COMP
 * @transaction: id of the request that the packet answers, or 0
 * @payload: contents of the packet after its descriptor
 * @len: size of @payload
 * @delay_ms: time until the guest can read the packet
 *
 * If the queue is full, the packet is dropped after a line in the kernel log. Any context.
 */
void channel_send(struct sim_bus *bus, u16 type, u64 transaction, const void *payload, u32 len,
		  u32 delay_ms)
{
	struct sim_packet *packet;
	unsigned long flags;
	bool full;

	raw_spin_lock_irqsave(&bus->lock, flags);
	full = bus->queued == SIM_QUEUE;
	if (!full) {
		packet = &bus->queue[(bus->head + bus->queued) % SIM_QUEUE];
		packet->due = jiffies + msecs_to_jiffies(delay_ms);
		packet_write(packet, type, transaction, payload, len);
		bus->queued++;
	}
	raw_spin_unlock_irqrestore(&bus->lock, flags);
	if (full)
		pr_err("the queue is full, as the guest does not read it: a packet is dropped\n");
	channel_wake_guest(bus);
}

static void channel_discard_packets(struct sim_bus *bus)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&bus->lock, flags);
	bus->queued = 0;
	raw_spin_unlock_irqrestore(&bus->lock, flags);
}

/* Provide the request ids that hv_vmbus's own functions hand out and match. */
static int channel_alloc_requestor(struct vmbus_channel *channel)
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
	/* A list of free ids: each entry is the index of the next one. */
	for (i = 0; i < size; i++)
		requestor->req_arr[i] = i + 1;
	requestor->size = size;
	requestor->next_request_id = 0;
	spin_lock_init(&requestor->req_lock);
	return 0;
}

static void channel_free_requestor(struct vmbus_channel *channel)
{
	kfree(channel->requestor.req_arr);
	bitmap_free(channel->requestor.req_bitmap);
	channel->requestor = (struct vmbus_requestor) {};
}

/**
 * channel_open() - open the channel, as vmbus_open() does
 * @channel: the channel
 * @callback: function of the driver that reads the packets
 * @context: argument of @callback
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int channel_open(struct vmbus_channel *channel, void (*callback)(void *context), void *context)
{
	int err = channel_alloc_requestor(channel);

	if (err)
		return err;
	channel_discard_packets(sim_bus_of(channel));
	channel->channel_callback_context = context;
	WRITE_ONCE(channel->onchannel_callback, callback);
	channel->state = CHANNEL_OPENED_STATE;
	return 0;
}

/**
 * channel_close() - close the channel, as vmbus_close() does
 * @channel: the channel
 *
 * May sleep.
 */
void channel_close(struct vmbus_channel *channel)
{
	unsigned long flags;

	/*
	 * Wait for a running callback. A driver that polls reads and calls the callback under
	 * sched_lock.
	 */
	tasklet_disable(&channel->callback_event);
	spin_lock_irqsave(&channel->sched_lock, flags);
	WRITE_ONCE(channel->onchannel_callback, NULL);
	spin_unlock_irqrestore(&channel->sched_lock, flags);
	tasklet_enable(&channel->callback_event);
	channel_discard_packets(sim_bus_of(channel));
	channel_free_requestor(channel);
	channel->state = CHANNEL_OPEN_STATE;
	/* Flush lazily freed areas, which would look like a leak in vmallocinfo. */
	vm_unmap_aliases();
}

/**
 * channel_receive() - read the next packet, as vmbus_recvpacket_raw() does
 * @bus: the bus
 * @buffer: receives the packet
 * @size: size of @buffer
 * @len: receives the size of the packet; 0: there is no packet
 * @id: receives the transaction id of the packet
 *
 * Any context.
 *
 * Return: 0, or -ENOBUFS if @buffer is smaller than @len.
 */
int channel_receive(struct sim_bus *bus, void *buffer, u32 size, u32 *len, u64 *id)
{
	struct sim_packet *packet;
	unsigned long flags;
	int err = 0;

	*len = 0;
	*id = 0;
	raw_spin_lock_irqsave(&bus->lock, flags);
	packet = channel_next_packet(bus);
	if (packet && packet_is_due(packet)) {
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

/**
 * channel_init() - initialise the channel of a new bus
 * @bus: the bus, zeroed
 */
void channel_init(struct sim_bus *bus)
{
	struct vmbus_channel *channel = &bus->channel;

	raw_spin_lock_init(&bus->lock);
	INIT_DELAYED_WORK(&bus->later, channel_wake_later);
	channel->device_obj = &bus->hdev;
	channel->state = CHANNEL_OPEN_STATE;
	spin_lock_init(&channel->sched_lock);
	tasklet_init(&channel->callback_event, channel_call_guest, (unsigned long)bus);
	bus->hdev.channel = channel;
}

/**
 * channel_exit() - stop the channel, after the driver has closed it
 * @bus: the bus
 *
 * May sleep.
 */
void channel_exit(struct sim_bus *bus)
{
	channel_discard_packets(bus);
	cancel_delayed_work_sync(&bus->later);
	tasklet_kill(&bus->channel.callback_event);
}
