// SPDX-License-Identifier: GPL-2.0
/* Replaces the functions of hv_vmbus that pci-hyperv calls. Each is redirected at its entry. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>

#include "sim.h"

enum { OPEN, CLOSE, SEND, SEND_GETID, RECEIVE, DRIVER_ADD, DRIVER_REMOVE, NR_REDIRECTS };

struct redirect {
	struct intercept ic;
	void *to;
};

static struct redirect redirects[NR_REDIRECTS];

/* Hand a message of the guest to the host, which may answer before this returns. */
static int redirect_send_message(struct vmbus_channel *channel, void *buffer, u32 len, u64 request,
				 u64 *id, u32 flags)
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
	host_receive(sim_bus_of(channel), buffer, len, transaction);
	return 0;
}

static int redirect_open(struct vmbus_channel *channel, u32 send_size, u32 receive_size,
			 void *user, u32 user_len, void (*callback)(void *context),
			 void *context)
{
	int err = channel_open(channel, callback, context);

	intercept_redirect_done(&redirects[OPEN].ic);
	return err;
}

static void redirect_close(struct vmbus_channel *channel)
{
	channel_close(channel);
	intercept_redirect_done(&redirects[CLOSE].ic);
}

static int redirect_send(struct vmbus_channel *channel, void *buffer, u32 len, u64 request,
			 enum vmbus_packet_type type, u32 flags)
{
	int err = redirect_send_message(channel, buffer, len, request, NULL, flags);

	intercept_redirect_done(&redirects[SEND].ic);
	return err;
}

static int redirect_send_getid(struct vmbus_channel *channel, void *buffer, u32 len, u64 request,
			       u64 *id, enum vmbus_packet_type type, u32 flags)
{
	int err = redirect_send_message(channel, buffer, len, request, id, flags);

	intercept_redirect_done(&redirects[SEND_GETID].ic);
	return err;
}

static int redirect_receive(struct vmbus_channel *channel, void *buffer, u32 size, u32 *len,
			    u64 *id)
{
	int err = channel_receive(sim_bus_of(channel), buffer, size, len, id);

	intercept_redirect_done(&redirects[RECEIVE].ic);
	return err;
}

static int redirect_driver_add(struct hv_driver *driver, struct module *owner, const char *name)
{
	int err = bus_driver_add(driver, owner, name);

	intercept_redirect_done(&redirects[DRIVER_ADD].ic);
	return err;
}

static void redirect_driver_remove(struct hv_driver *driver)
{
	bus_driver_remove(driver);
	intercept_redirect_done(&redirects[DRIVER_REMOVE].ic);
}

static void __kprobes redirect_handler(struct intercept *ic, struct arch_regs *regs,
				       unsigned long caller)
{
	intercept_redirect(ic, regs, container_of(ic, struct redirect, ic)->to);
}

#define REDIRECT(from, function) { \
	.ic = { .symbol = SIM_VMBUS from, .handler = redirect_handler }, \
	.to = function, \
}

static struct redirect redirects[NR_REDIRECTS] = {
	[OPEN] = REDIRECT("vmbus_open", redirect_open),
	[CLOSE] = REDIRECT("vmbus_close", redirect_close),
	[SEND] = REDIRECT("vmbus_sendpacket", redirect_send),
	[SEND_GETID] = REDIRECT("vmbus_sendpacket_getid", redirect_send_getid),
	[RECEIVE] = REDIRECT("vmbus_recvpacket_raw", redirect_receive),
	[DRIVER_ADD] = REDIRECT("__vmbus_driver_register", redirect_driver_add),
	[DRIVER_REMOVE] = REDIRECT("vmbus_driver_unregister", redirect_driver_remove),
};

static void redirect_list(struct intercept *ics[NR_REDIRECTS])
{
	unsigned int i;

	for (i = 0; i < NR_REDIRECTS; i++)
		ics[i] = &redirects[i].ic;
}

/**
 * redirect_install() - replace the functions of hv_vmbus
 *
 * May sleep.
 *
 * Return: 0, or an error of intercept_install_all() with nothing redirected.
 */
int redirect_install(void)
{
	struct intercept *ics[NR_REDIRECTS];

	redirect_list(ics);
	return intercept_install_all(ics, NR_REDIRECTS);
}

/**
 * redirect_remove() - undo redirect_install()
 *
 * May sleep.
 */
void redirect_remove(void)
{
	struct intercept *ics[NR_REDIRECTS];

	redirect_list(ics);
	intercept_remove_all(ics, NR_REDIRECTS);
}
