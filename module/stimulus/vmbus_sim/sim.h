/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files of vmbus_sim, in layers. A file calls functions of lower layers only:
 *
 *   main.c      load and unload; follows hv_vmbus and pci-hyperv as they are loaded and unloaded
 *   ------------------------------------------------------------------------------------------
 *   knobs.c     debugfs: commands to the host       calls bus.c, host.c, msi.c, ..._defaults()
 *   redirect.c  replaces the functions of hv_vmbus  calls bus.c, host.c, channel.c
 *   access.c    serves accesses to config space     calls bus.c, config.c
 *   ------------------------------------------------------------------------------------------
 *   bus.c       bus type; offers, rescinds buses    calls host.c, channel.c, windows.c
 *   ------------------------------------------------------------------------------------------
 *   host.c      answers the guest's messages        calls channel.c, config.c, windows.c
 *   ------------------------------------------------------------------------------------------
 *   channel.c   queue of packets to the guest
 *   config.c    contents of config space
 *   windows.c   MMIO windows and the framebuffer    calls acpi.c
 *   hyperv_fake.c, msi.c
 *   ------------------------------------------------------------------------------------------
 *   acpi.c      windows that hv_vmbus reads from ACPI
 *
 * A message of the guest and its answer:
 *
 *   pci-hyperv -- vmbus_sendpacket() --> redirect.c -- host_receive() --> host.c
 *                                                                           |
 *                                                                     channel_send()
 *                                                                           v
 *   pci-hyperv <-- vmbus_recvpacket_raw() -- redirect.c <- channel_receive() - channel.c
 */
#ifndef VMBUS_SIM_H
#define VMBUS_SIM_H

#include <linux/completion.h>
#include <linux/hyperv.h>
#include <linux/pci_regs.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "../../common/intercept.h"

#define SIM_MAX_BUSES		4
#define SIM_MAX_FUNCTIONS	8
#define SIM_CONFIG_SIZE		256
#define SIM_DOMAIN		0x5150	/* PCI domain of the first bus */
#define SIM_WINDOW_SIZE		0x2000	/* a page to select the function, its config */
#define SIM_VENDOR		0x1414
#define SIM_DEVICE		0xe44f
#define SIM_SERIAL		0x51510000	/* the low half has the bus and the slot */
#define SIM_SERIAL_MASK		0xffff0000

/* Prefixes for symbols of the two drivers, which some kernels have as modules. */
#if IS_MODULE(CONFIG_HYPERV) || IS_MODULE(CONFIG_HYPERV_VMBUS)
#define SIM_VMBUS	"hv_vmbus:"
#else
#define SIM_VMBUS	""
#endif
#if IS_MODULE(CONFIG_PCI_HYPERV)
#define SIM_PCI		"pci_hyperv:"
#else
#define SIM_PCI		""
#endif

/* Kinds of messages that the guest sends, in the order of a probe. */
enum sim_message {
	SIM_VERSION,
	SIM_RELATIONS,
	SIM_D0_ENTRY,
	SIM_REQUIREMENTS,
	SIM_ASSIGNED,
	SIM_CREATE_INTERRUPT,
	SIM_DELETE_INTERRUPT,
	SIM_EJECTED,
	SIM_RELEASED,
	SIM_D0_EXIT,
	SIM_OTHER,
	SIM_NR_MESSAGES,
};

/**
 * struct sim_rule - how the host answers one kind of message
 * @status: NTSTATUS to refuse the message with; 0: the host answers by its state
 * @delay_ms: delay before the guest can read the answer
 * @drop: number of answers that the host will not send
 * @repeat: number of answers that the host will send twice
 * @seen: number of messages of this kind that the host received
 */
struct sim_rule {
	u32 status;
	u32 delay_ms;
	u32 drop;
	u32 repeat;
	u32 seen;
};

/* Description of a PCI function, as the protocol and the guest's driver have it. */
struct sim_description {
	u16 vendor;
	u16 device;
	u8 revision;
	u8 interface;
	u8 subclass;
	u8 class;
	u32 subsystem;
	u32 slot;
	u32 serial;
} __packed;

/**
 * struct sim_function - a PCI function that the host offers
 * @desc: description that the host sends to the guest
 * @config: contents of the config space
 * @writable: bits of @config that the guest may change
 */
struct sim_function {
	struct sim_description desc;
	u8 config[SIM_CONFIG_SIZE];
	u8 writable[SIM_CONFIG_SIZE];
};

/* A packet from the host to the guest, in the format of the ring buffer. */
struct sim_packet {
	unsigned long due;
	u32 len;
	u8 data[256];
};

#define SIM_QUEUE	64

/**
 * struct sim_bus - a virtual PCI bus: the device that pci-hyperv drives
 * @hdev: device that the guest's driver binds to
 * @channel: channel between guest and host
 * @number: number of the bus, from 0
 * @added: completed when device_add() has returned, with @add_error
 * @add_error: error of device_add(); valid once @added is complete
 * @lock: protects @queue, @head and @queued
 * @queue: ring of packets on their way to the guest
 * @head: index of the next packet to be read
 * @queued: number of packets in @queue
 * @version: negotiated version of the protocol
 * @in_d0: true while the guest has the bus powered up
 * @window: mapping of the config window while @in_d0 is true
 * @present: bitmap of the slots that have a function
 * @functions: PCI functions, by slot
 * @later: wakes the guest when a delayed packet is due
 */
struct sim_bus {
	struct hv_device hdev;
	struct vmbus_channel channel;
	unsigned int number;
	struct completion added;
	int add_error;
	raw_spinlock_t lock;
	struct sim_packet queue[SIM_QUEUE];
	unsigned int head;
	unsigned int queued;
	u32 version;
	bool in_d0;
	void __iomem *window;
	unsigned long present;
	struct sim_function functions[SIM_MAX_FUNCTIONS];
	struct delayed_work later;
};

static inline struct sim_bus *sim_bus_of(struct vmbus_channel *channel)
{
	return container_of(channel, struct sim_bus, channel);
}

/* knobs.c */
int knobs_create(void);
void knobs_remove(void);

/* redirect.c */
int redirect_install(void);
void redirect_remove(void);

/* access.c */
int access_intercept(void);
void access_restore(void);

/* bus.c */
int bus_open(void);
void bus_close(void);
int bus_offer(unsigned int number);
int bus_rescind(unsigned int number);
struct sim_bus *bus_find(unsigned int number);
int bus_with(unsigned int number, int (*action)(struct sim_bus *bus, unsigned long arg),
	     unsigned long arg);
int bus_driver_add(struct hv_driver *driver, struct module *owner, const char *name);
void bus_driver_remove(struct hv_driver *driver);

/* host.c */
extern struct sim_rule host_rules[SIM_NR_MESSAGES];
extern const char * const host_message_names[SIM_NR_MESSAGES];
extern u32 host_version;
void host_defaults(void);
void host_power_on(struct sim_bus *bus);
void host_power_off(struct sim_bus *bus);
void host_receive(struct sim_bus *bus, const void *message, u32 len, u64 transaction);
int host_report_relations(struct sim_bus *bus, unsigned long count);
int host_eject(struct sim_bus *bus, unsigned long slot);

/* channel.c */
void channel_init(struct sim_bus *bus);
void channel_exit(struct sim_bus *bus);
int channel_open(struct vmbus_channel *channel, void (*callback)(void *context), void *context);
void channel_close(struct vmbus_channel *channel);
void channel_send(struct sim_bus *bus, u16 type, u64 transaction, const void *payload, u32 len,
		  u32 delay_ms);
int channel_receive(struct sim_bus *bus, void *buffer, u32 size, u32 *len, u64 *id);

/* config.c */
void config_defaults(void);
void config_reset(struct sim_function *function, unsigned int bus, unsigned int slot);
void config_requirements(const struct sim_function *function, u32 bars[PCI_STD_NUM_BARS]);
void config_write(struct sim_function *function, unsigned int where, unsigned int size, u32 value);

/* windows.c */
int windows_open(void);
int windows_reopen(void);
void windows_close(void);
void windows_release_left(const char *name);
void windows_defaults(void);
bool windows_overlap_framebuffer(u64 start, u64 size);

/* acpi.c */
int acpi_windows_open(u32 fb_size);
void acpi_windows_close(void);

/* hyperv_fake.c */
int hyperv_fake_check(void);
int hyperv_fake_enable(void);
void hyperv_fake_disable(void);
void hyperv_fake_root_partition(bool root);

/* msi.c */
int msi_use(unsigned int bus, unsigned int slot);

#endif /* VMBUS_SIM_H */
