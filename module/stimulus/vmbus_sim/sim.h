/* SPDX-License-Identifier: GPL-2.0 */
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
#define BUS_DOMAIN		0x5150	/* of the first bus, in PCI's sense */
#define SIM_WINDOW_SIZE		0x2000	/* a page to choose the function, a page of its config */

/* What symbols of the two are called: some kernels have them as modules. */
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
 * struct sim_rule - how the host answers a kind of message
 * @status: an NTSTATUS to refuse it with; 0: as it deserves
 * @delay_ms: before the answer
 * @drop: so many answers are never sent
 * @repeat: so many answers are sent twice
 * @seen: messages of this kind that came
 */
struct sim_rule {
	u32 status;
	u32 delay_ms;
	u32 drop;
	u32 repeat;
	u32 seen;
};

/* How the host describes a PCI function, in the protocol and in the guest's driver. */
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
 * @desc: what the host tells of it
 * @config: its config space
 * @writable: which bits of that the guest may change
 */
struct sim_function {
	struct sim_description desc;
	u8 config[SIM_CONFIG_SIZE];
	u8 writable[SIM_CONFIG_SIZE];
};

/* From the host to the guest, as it would lie in the ring buffer. */
struct sim_packet {
	unsigned long due;
	u32 len;
	u8 data[256];
};

#define SIM_QUEUE	64

/**
 * struct sim_bus - a virtual PCI bus: the device that pci-hyperv drives
 * @hdev: what the guest's driver gets
 * @channel: the connection between guest and host
 * @number: 0 on
 * @added: the guest knows of it and has tried to probe it, or @add_error
 * @add_error: why the guest could not add its device; valid once @added
 * @lock: for what follows
 * @queue: packets on their way to the guest, a ring
 * @head: the next packet to be read
 * @queued: how many there are
 * @version: of the protocol, as negotiated
 * @in_d0: the guest has powered the bus up
 * @window: the config window, from D0 entry to exit
 * @present: which of its functions are there
 * @functions: the PCI functions on it
 * @later: wakes the guest for a packet that was delayed
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

/* main.c */
extern unsigned int sim_devices;
int sim_offer(unsigned int number);
void sim_reset(void);

/* windows.c */
int windows_open(void);
void windows_close(void);
void windows_release_left(const char *name);
void windows_reset(void);
bool windows_overlap_framebuffer(u64 start, u64 size);

/* acpi.c */
int acpi_windows_open(u32 fb_size);
void acpi_windows_close(void);

/* guest.c */
int guest_check(void);
int guest_believe(void);
void guest_doubt(void);
void guest_is_root_partition(bool root);

/* channel.c */
int channel_redirect(void);
void channel_restore(void);
void channel_init(struct sim_bus *bus);
void channel_exit(struct sim_bus *bus);
void channel_to_guest(struct sim_bus *bus, u16 type, u64 transaction, const void *payload,
		      u32 len, u32 delay_ms);

/* bus.c */
int bus_open(void);
void bus_close(void);
int bus_offer(unsigned int number, int (*if_first)(void));
int bus_rescind(unsigned int number);
struct sim_bus *bus_find(unsigned int number);
int bus_with(unsigned int number, int (*action)(struct sim_bus *bus, unsigned long arg),
	     unsigned long arg);
int bus_add_driver(struct hv_driver *driver, struct module *owner, const char *name);
void bus_remove_driver(struct hv_driver *driver);

/* host.c */
extern struct sim_rule host_rules[SIM_NR_MESSAGES];
extern const char * const host_message_names[SIM_NR_MESSAGES];
extern u32 host_version;
void host_reset(void);
void host_power_on(struct sim_bus *bus);
void host_power_off(struct sim_bus *bus);
void host_receive(struct sim_bus *bus, const void *message, u32 len, u64 transaction);
int host_tell_relations(struct sim_bus *bus, unsigned long count);
int host_eject(struct sim_bus *bus, unsigned long slot);

/* config.c */
int config_intercept(void);
void config_restore(void);
void config_defaults(void);
void config_reset(struct sim_function *function, unsigned int bus, unsigned int slot);
void config_requirements(const struct sim_function *function, u32 bars[PCI_STD_NUM_BARS]);

/* msi.c */
int msi_try(unsigned int bus, unsigned int slot);

/* knobs.c */
int knobs_create(void);
void knobs_remove(void);

#endif /* VMBUS_SIM_H */
